import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { highlighted } from "../../webview/highlight";

function marked(code: string, language: string): string {
  const shown = highlighted(code, language).map(({ kind, text }) =>
    kind === "plain" ? text : `${kind}(${text})`,
  );
  return shown.join("");
}

const EXAMPLES: readonly (readonly [string, string, string])[] = [
  [
    "python",
    'def f(x): # a "b"\n  return "#" + 12.5',
    'keyword(def) f(x): comment(# a "b")\n  keyword(return) string("#") + number(12.5)',
  ],
  ["py", '"""a\n#b"""', 'string("""a\n#b""")'],
  ["ts", "const a = `b $c` // d\n/* e", "keyword(const) a = string(`b $c`) comment(// d)\ncomment(/* e)"],
  [
    "rust",
    "fn f<'a>(x: &'a str) -> char { 'x' }",
    "keyword(fn) f<'a>(x: &'a keyword(str)) -> keyword(char) { string('x') }",
  ],
  ["sh", "echo $# a#b # c", "echo $# a#b comment(# c)"],
  ["sql", "SELECT 'a' -- b", "keyword(SELECT) string('a') comment(-- b)"],
  ["html", '<a class="b">if</a><!-- c', '<a class=string("b")>if</a>comment(<!-- c)'],
  ["diff", "+a\n-b\n c", "added(+a\n)removed(-b\n) c"],
  ["nobody's", "if 1", "if 1"],
];

for (const [language, code, expected] of EXAMPLES) {
  test(`${language} ${JSON.stringify(code)} is coloured`, () => {
    assert.equal(marked(code, language), expected);
  });
}

const LANGUAGES = ["c", "rs", "py", "sh", "lua", "html", "json", "diff", ""];
const PIECES = [
  '"',
  "'",
  '"""',
  "`",
  "//",
  "/*",
  "*/",
  "#",
  "--",
  "[[",
  "]]",
  "<!--",
  "-->",
  "\\",
  "\n",
  "if",
  " ",
  "1.5",
  "$",
  "+",
];

test("coloured or not, code stays the same", () => {
  fc.assert(
    fc.property(fc.constantFrom(...LANGUAGES), fc.array(fc.constantFrom(...PIECES)), (language, pieces) => {
      const code = pieces.join("");
      assert.equal(
        highlighted(code, language)
          .map((part) => part.text)
          .join(""),
        code,
      );
    }),
  );
});

for (const piece of PIECES) {
  test(`much of ${JSON.stringify(piece)} is coloured in time`, () => {
    const code = piece.repeat(Math.floor(39_000 / piece.length));
    const begin = performance.now();
    for (const language of LANGUAGES) highlighted(code, language);
    const tookMs = performance.now() - begin;
    assert.ok(tookMs < 2_000, `it took ${tookMs} ms`);
  });
}
