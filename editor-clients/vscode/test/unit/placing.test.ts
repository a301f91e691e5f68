/** Where a code block belongs: the same cases as the Neovim plugin's, and what holds of any text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { proposedLines } from "../../src/review/change";
import { chunksOf, definition, isPlaceholder, type Span } from "../../src/review/code";
import { place } from "../../src/review/placing";

const FILE = `import os
import sys

def one(a):
    x = a
    return x

class Two:
    def first(self):
        return 1

    @cached
    def second(self):
        y = 2
        return y

def three():
    pass
`;
const REWRITTEN = FILE.replace("import sys\n", "").replace("y = 2", "y = 3");
const LUA =
  "local M = {}\n\nfunction M.a()\n\tif x then\n\t\treturn 1\n\tend\nend\n\n" +
  "function M.b()\n\treturn 2\nend\n\nreturn M\n";
const JS = "class A {\n  m1() {\n    a();\n  }\n  m2() {\n    b();\n  }\n}\n";

type Case = {
  readonly name: string;
  readonly before: string;
  readonly code: string;
  readonly range?: Span;
  readonly after: string;
};

const CASES: readonly Case[] = [
  {
    name: "the lines that were asked about",
    before: FILE,
    code: "    x = b\n",
    range: { start: 4, end: 5 },
    after: FILE.replace("x = a", "x = b"),
  },
  {
    name: "those lines, indented again",
    before: FILE,
    code: "y = 3\nreturn y\n",
    range: { start: 13, end: 15 },
    after: FILE.replace("y = 2", "y = 3"),
  },
  {
    name: "a range beyond the end",
    before: "a\n",
    code: "b\n",
    range: { start: 7, end: 99 },
    after: "a\nb\n",
  },
  {
    name: "another function than the lines that were asked about",
    before: FILE,
    code: "def three():\n    return 3\n",
    range: { start: 3, end: 6 },
    after: FILE.replace("    pass", "    return 3"),
  },
  {
    name: "the function that those lines are in",
    before: FILE,
    code: "def one(a):\n    return a\n",
    range: { start: 4, end: 6 },
    after: FILE.replace("    x = a\n    return x", "    return a"),
  },
  { name: "a rewrite", before: FILE, code: REWRITTEN, after: REWRITTEN },
  {
    name: "one function",
    before: FILE,
    code: "def one(a, b):\n    return a + b\n",
    after: FILE.replace("one(a):\n    x = a\n    return x", "one(a, b):\n    return a + b"),
  },
  {
    name: "one method, dedented",
    before: FILE,
    code: "def second(self):\n    return 3\n",
    after: FILE.replace("        y = 2\n        return y", "        return 3"),
  },
  {
    name: "one of a small file",
    before: "import os\n\ndef f():\n    a\n    b\n    c\n",
    code: "def f():\n    a\n    b\n    d\n",
    after: "import os\n\ndef f():\n    a\n    b\n    d\n",
  },
  {
    name: "two functions, and what is between them",
    before: FILE,
    code: "def one(a):\n    return a\n\ndef three():\n    return 3\n",
    after: FILE.replace("    x = a\n    return x", "    return a").replace("    pass", "    return 3"),
  },
  {
    name: "a new function after a known one",
    before: FILE,
    code: "def one(a):\n    x = a\n    return x\n\ndef new():\n    pass\n",
    after: FILE.replace("    return x\n", "    return x\n\ndef new():\n    pass\n"),
  },
  {
    name: "tabs as in the document",
    before: LUA,
    code: "if x then\n    return 3\nend\n",
    range: { start: 3, end: 6 },
    after: LUA.replace("return 1", "return 3"),
  },
  {
    name: "a function of Lua",
    before: LUA,
    code: "function M.b()\n\treturn 3\nend\n",
    after: LUA.replace("return 2", "return 3"),
  },
  {
    name: "nothing known: at the cursor",
    before: FILE,
    code: "print(1)\n",
    after: FILE.replace("import os\n", "import os\nprint(1)\n"),
  },
  {
    name: "an import among others",
    before: FILE,
    code: "import os\nimport re\nimport sys\n",
    after: FILE.replace("import sys", "import re\nimport sys"),
  },
  {
    name: "a comment for the rest of a body",
    before: FILE,
    code: "def one(a: int):\n    # ... existing code ...\n    return x\n",
    after: FILE.replace("one(a)", "one(a: int)"),
  },
  {
    name: "comments between functions",
    before: FILE,
    code: "# ...\n\ndef one(a):\n    return 5\n\n# ... rest of the file unchanged ...\n",
    after: FILE.replace("    x = a\n    return x", "    return 5"),
  },
  {
    name: "comments around a new method",
    before: JS,
    code: "class A {\n  // ... existing code ...\n  m3() {\n    c();\n  }\n}\n",
    after: JS.replace("    b();\n  }\n", "    b();\n  }\n  m3() {\n    c();\n  }\n"),
  },
  {
    name: "a method whose name ends as another's",
    before: "class A {\n  getName() {\n    a();\n  }\n  setName() {\n    b();\n  }\n}\n",
    code: "setName() {\n  c();\n}\n",
    after: "class A {\n  getName() {\n    a();\n  }\n  setName() {\n    c();\n  }\n}\n",
  },
  {
    name: "a comment for lines of the range",
    before: "a1\nb2\nc3\nd = 4\n",
    code: "a1\n// ...\nd = 5\n",
    range: { start: 0, end: 4 },
    after: "a1\nb2\nc3\nd = 5\n",
  },
  {
    name: "a comment that is in the document too",
    before: "x1\n# ...\ny2\n",
    code: "x2\n# ...\ny2\n",
    range: { start: 0, end: 3 },
    after: "x2\n# ...\ny2\n",
  },
  {
    name: "an ellipsis that is code",
    before: "def f():\n    pass\n",
    code: "def f():\n    ...\n",
    range: { start: 0, end: 2 },
    after: "def f():\n    pass\n",
  },
  { name: "blank lines at the ends", before: "\n\na\n\n", code: "\na\n", after: "\n\na\n\n" },
  { name: "an empty document", before: "", code: "a\nb\n", after: "a\nb\n" },
  {
    name: "no line end at the end",
    before: "one\r\ntwo\r\nthree",
    code: "one\r\n2\r\nthree\r\n",
    after: "one\n2\nthree",
  },
];

for (const { name, before, code, range, after } of CASES) {
  test(`code is placed where it belongs: ${name}`, () => {
    const lines = before.split(/\r?\n/);
    const hints = { range: range && { start: range.start, end: range.end }, cursor: 0 };
    assert.equal(proposedLines(lines, code, hints).join("\n"), after);
  });
}

const DEFINITIONS: readonly (readonly [string, string | null])[] = [
  ["def one(a):", "function one"],
  ["    async def one(a):", "function one"],
  ["export default class Größe extends A {", "class Größe"],
  ["pub(crate) fn run<T>() {", "function run"],
  ["func (s *Server) Serve() error {", "function Serve"],
  ["const f = async (a) => {", "function f"],
  ["handler = function() {", "function handler"],
  ["getName() {", "function getName"],
  ["static int getName(int a) {", "function getName"],
  ["if (a) {", null],
  ["} else if (a) {", null],
  ["a = call(b) {", null],
  ["return call(b) {", null],
  ["call(b);", null],
  ["", null],
];

test("definitions are told by their lines", () => {
  for (const [line, name] of DEFINITIONS) assert.equal(definition(line), name, line);
});

test("comments that stand for code are told from others", () => {
  const standing = ["...", "# ...", "// ... existing code ...", "{/* … */}", "<!-- rest of it unchanged -->"];
  for (const line of standing) assert.ok(isPlaceholder(line), line);
  const others = ["# why", "a = ...", "- ...and so on", "// see other", "print('...')", ""];
  for (const line of others) assert.ok(!isPlaceholder(line), line);
});

const LINE = fc.constantFrom(
  ..."|a|b|c = 1|c = 2|def f():|    x|\ty|    # ... existing code ...|}|...|ü😀|class A {".split("|"),
);
const LINES = fc.array(LINE, { maxLength: 12 });
const RANGE = fc.option(fc.record({ start: fc.nat(14), end: fc.nat(14) }), { nil: undefined });

test("a placing is within the text, whatever the text, the code and the hints are", () => {
  fc.assert(
    fc.property(
      LINES,
      LINES,
      RANGE,
      fc.option(fc.nat(20), { nil: undefined }),
      (lines, code, range, cursor) => {
        const { span } = place(lines, code, { range, cursor });
        assert.ok(0 <= span.start && span.start <= span.end && span.end <= lines.length);
      },
    ),
  );
});

test("a text proposed anew for itself changes nothing", () => {
  const named = fc.uniqueArray(fc.constantFrom("alpha", "beta", "gamma", "delta", "epsilon"), {
    minLength: 1,
  });
  fc.assert(
    fc.property(named, (names) => {
      const lines = names.flatMap((name) => [`def ${name}():`, `    return ${name}_1`, ""]);
      assert.deepEqual(proposedLines(lines, lines.join("\n"), {}), lines);
    }),
  );
});

test("the chunks of code are all of its lines that say something", () => {
  fc.assert(
    fc.property(LINES, (code) => {
      const lines = chunksOf(code).flatMap((chunk) => chunk.lines);
      const isKept = (line: string) => line.trim() !== "" && !isPlaceholder(line);
      assert.deepEqual(lines.filter(isKept), code.filter(isKept));
    }),
  );
});

test("long lines and long files are placed in a moment", () => {
  const long = `x = "${"(a.b=".repeat(20_000)}"`;
  const lines = Array.from({ length: 5_000 }, (_, row) => [`def f${row}():`, `    return ${row}`, ""]).flat();
  const code = Array.from({ length: 100 }, (_, row) => [
    `def f${row * 3}():`,
    `    return ${row}1`,
    "",
  ]).flat();
  const started = performance.now();
  place([long, ...lines], [...code, long], {});
  assert.ok(performance.now() - started < 5_000);
});
