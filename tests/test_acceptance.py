"""The table in ``tests/README.md`` tells the truth: every number is there, and every test that it names."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROW = re.compile(r"^\| (\d+) \| (K?) ?\| (.+?) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
ROWS = [
    (int(number), key, held) for number, key, _, held in ROW.findall((TESTS / "README.md").read_text("utf-8"))
]
KEYS = {1, 2, 3, 4, 5, 8, 11, 12, 15, 19, 20, 21, 24, 25, 27, 28, *range(30, 40)}


@cache
def functions_of(file: str) -> frozenset[str]:
    path = TESTS / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_every_number_has_its_row():
    assert [number for number, _, _ in ROWS] == list(range(1, 41))
    assert {number for number, key, _ in ROWS if key} == KEYS


@pytest.mark.parametrize(("number", "held"), [pytest.param(row[0], row[2], id=str(row[0])) for row in ROWS])
def test_a_row_names_tests_that_exist_or_says_why_there_are_none(number: int, held: str):
    named = NAMED.findall(held)
    assert [f"{file}::{name}" for file, name in named if name not in functions_of(file)] == []
    assert all(name.startswith("test_") for _, name in named)
    assert len(set(named)) == len(named), "each is named once"
    assert named or "not there yet" in held or "no extension" in held, number
