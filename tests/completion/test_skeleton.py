"""A file's outline in each language: what it defines and imports, without the bodies, whatever the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.skeleton import outline

PYTHON = '''
import os, sys as system
from . import near
from a.b import (
    One,
    Two as Second,
)

LIMIT: int = 3

@decorated(
    1,
)
class Box(Base, metaclass=Meta):
    """Doc."""

    width: int = 0

    def __init__(self, size: int):
        self.size = size
        self.lid: Lid | None = None

    @property
    def area(
        self,
        scale: float = 1.0,
    ) -> float:  # a comment
        return self.size

async def main(*, name="x:y"): return 1
if True:
    def nested(): pass
'''

SOURCES = {
    "python": (
        PYTHON,
        [
            "LIMIT: int = 3",
            "class Box(Base, metaclass=Meta)",
            "    width: int = 0",
            "    def __init__(self, size: int)",
            "        self.size = size",
            "        self.lid: Lid | None = None",
            "    def area(self, scale: float = 1.0) -> float:  # a comment",
            'async def main(*, name="x:y")',
            "    def nested()",
        ],
        [("os", "system"), ("near",), ("One", "Second")],
    ),
    "typescript": (
        """import { One, two as Second } from "./near";
import {
  Long,
} from '../far';
const fs = require("fs");
// class NotOne {
export abstract class Box<T> extends Base {
  private readonly width: number = 0;
  constructor(private size: number) {
    if (size) { this.size = size; }
    call(size);
  }
  async area(
    scale: number,
  ): Promise<number> {
    return 1;
  }
}
export interface Shape {
  name?: string;
}
export const add = (a: number, b: number) => a + b;
export type Id = string;
function plain(a) { return a; }
""",
        [
            "export abstract class Box<T> extends Base",
            "  private readonly width: number = 0;",
            "  constructor(private size: number)",
            "  async area(scale: number): Promise<number>",
            "export interface Shape",
            "  name?: string;",
            "export const add = (a: number, b: number) => a + b;",
            "export type Id = string;",
            "function plain(a) { return a; }",
        ],
        [("One", "two", "Second", "near"), ("Long", "far"), ("fs",)],
    ),
    "go": (
        """package main

import (
	"fmt"
	web "net/http"
)

const Limit = 3

type Box struct {
	Width int
	size  float64 // a comment
}

func (b *Box) Area(scale float64) float64 {
	return b.size
}

func main() {
	x := 1
}
""",
        [
            "const Limit = 3",
            "type Box struct",
            "\tWidth int",
            "\tsize  float64 // a comment",
            "func (b *Box) Area(scale float64) float64",
            "func main()",
        ],
        [("fmt",), ("web", "http")],
    ),
    "rust": (
        """use crate::shapes::{Shape, Area};
use std::fmt;

pub const LIMIT: usize = 3;

#[derive(Debug)]
pub struct Box<T> {
    pub width: T,
    size: f64,
}

impl<T> Shape for Box<T> {
    fn area(&self, scale: f64) -> f64 {
        let x = 1;
        self.size
    }
}

enum Kind {
    Small,
    Large(u8),
}
""",
        [
            "pub const LIMIT: usize = 3;",
            "pub struct Box<T>",
            "    pub width: T,",
            "    size: f64,",
            "impl<T> Shape for Box<T>",
            "    fn area(&self, scale: f64) -> f64",
            "enum Kind",
            "    Small,",
            "    Large(u8),",
        ],
        [("Shape", "Area", "shapes"), ("fmt",)],
    ),
    "java": (
        """package a.b;

import java.util.List;

public class Box extends Base {
    private final int width = 0;

    public Box(int width) {
        this.width = width;
    }

    @Override
    public List<String> area(int scale) throws Failure {
        return foo(scale);
    }
}
""",
        [
            "public class Box extends Base",
            "    private final int width = 0;",
            "    public Box(int width)",
            "    public List<String> area(int scale) throws Failure",
        ],
        [("List",)],
    ),
    "cpp": (
        """#include "near/shape.h"
#include <vector>

#define LIMIT 3

namespace shapes {

class Box : public Base {
public:
  explicit Box(int width);
  double area(double scale) const;
  int width_ = 0;
};

}

double Box::area(double scale) const {
  return call(scale);
}

static int plain(int a,
                 int b) {
  return a;
}
""",
        [
            "#define LIMIT 3",
            "namespace shapes",
            "class Box : public Base",
            "  explicit Box(int width);",
            "  double area(double scale) const;",
            "  int width_ = 0;",
            "double Box::area(double scale) const",
            "static int plain(int a, int b)",
        ],
        [("shape",), ("vector",)],
    ),
    "lua": (
        """local near = require("a.near")
local M = {}
local limit = 3
function M.area(box, scale)
  local x = 1
  return box
end
M.plain = function(a) return a end
local function inner() end
function Box:open(lid)
end
return M
""",
        [
            "local M = {}",
            "local limit = 3",
            "function M.area(box, scale)",
            "M.plain = function(a) return a end",
            "local function inner() end",
            "function Box:open(lid)",
        ],
        [("near",)],
    ),
}


@pytest.mark.parametrize("language", SOURCES)
def test_a_skeleton_has_the_definitions_and_no_bodies(language: str):
    text, skeleton, _ = SOURCES[language]
    assert outline(text, language).text.splitlines() == skeleton


@pytest.mark.parametrize("language", SOURCES)
def test_imports_are_read(language: str):
    text, _, imported = SOURCES[language]
    found = [statement.names for statement in outline(text, language).imports]
    assert [set(names) for names in found] == [set(names) for names in imported]


@pytest.mark.parametrize("language", SOURCES)
def test_each_line_number_is_that_of_its_definition(language: str):
    text, _, _ = SOURCES[language]
    lines = text.splitlines()
    for definition in outline(text, language).definitions:
        assert definition.name in lines[definition.line]


@pytest.mark.parametrize(
    ("language", "name", "owner"),
    [
        ("python", "area", "Box"),
        ("python", "lid", "Box"),
        ("python", "main", ""),
        ("typescript", "area", "Box"),
        ("typescript", "name", "Shape"),
        ("go", "Area", "Box"),
        ("go", "Width", "Box"),
        ("rust", "area", "Box"),
        ("rust", "Small", "Kind"),
        ("java", "area", "Box"),
        ("cpp", "area", "Box"),
        ("lua", "area", "M"),
        ("lua", "open", "Box"),
    ],
)
def test_members_know_their_owner(language: str, name: str, owner: str):
    found = [one for one in outline(SOURCES[language][0], language).definitions if one.name == name]
    assert found
    assert {one.owner for one in found} == {owner}


@pytest.mark.parametrize("fault", ["    def broken(self, (:\n", "x = = 3\n", '"""never closed\n'])
def test_python_with_a_syntax_error_is_read_by_patterns(fault: str):
    text = PYTHON.replace("LIMIT: int = 3\n", f"LIMIT: int = 3\n{fault}")
    names = {definition.name for definition in outline(text, "python").definitions}
    assert {"LIMIT", "Box", "area", "main"} <= names


def test_a_syntax_error_spoils_only_its_own_part_of_a_long_file():
    part = "def f{0}(a):\n    self.x = 1\n" + "    call()\n" * 40
    text = "".join(part.format(number) for number in range(100)) + "def broken((:\n    pass\n"
    names = [definition.name for definition in outline(text, "python").definitions]
    assert names == [*(f"f{number}" for number in range(100)), "broken"]


@pytest.mark.parametrize("end", ["", "\n", "\n\n    pass\n"])
@pytest.mark.parametrize("begun", ["def main(", "import ", "class New(", "value = ", "@", "from x import "])
def test_what_is_begun_at_a_files_end_spoils_nothing_above_it(begun: str, end: str):
    methods = "".join(f"    def f{number}(self):\n        return {number}\n" for number in range(50))
    text = f"class Big:\n    def __init__(self):\n        self.alpha = 1\n{methods}{begun}{end}"
    names = [definition.name for definition in outline(text, "python").definitions]
    assert names[:3] == ["Big", "__init__", "alpha"]


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("try:\n{long}except OSError:\n    pass\nelse:\n{box}", id="else"),
        pytest.param("try:\n{box}{long}except:\n    pass\n", id="except"),
        pytest.param("try:\n{box}{long}finally:\n    pass\n", id="finally"),
    ],
)
def test_a_long_try_is_read_as_one(form: str):
    long = "".join(f"    def f{number}(self):\n        return {number}\n" for number in range(50))
    text = form.format(
        long=long, box="    class Box:\n        def __init__(self):\n            self.alpha = 1\n"
    )
    assert "alpha" in {definition.name for definition in outline(text, "python").definitions}


def test_a_language_without_patterns_has_no_outline():
    assert outline("anything (\n", "brainfuck").definitions == ()


@given(
    text=st.text("abc def(){}[]:=\n\t\"'#*/class import from.;,<>@", max_size=400),
    language=st.sampled_from([*SOURCES, "ruby", "php", "swift", "kotlin", "csharp", "javascriptreact"]),
)
def test_any_text_has_an_outline(text: str, language: str):
    lines = text.split("\n")
    found = outline(text, language)
    for definition in found.definitions:
        assert 0 <= definition.line < len(lines)
        assert "\n" not in definition.text
    assert len(found.definitions) <= 5 * len(lines)


def test_a_long_line_and_a_long_file_are_read_in_bounds():
    huge = "function a(){" + "x(" * 100_000 + "}\n"
    assert outline(huge, "javascript").definitions == ()
    many = outline("def f(): pass\n" * 20_000, "python")
    assert 1_000 <= len(many.definitions) <= 2_000
