import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { blocks } from "../../webview/markdown/blocks";
import { openable } from "../../webview/markdown/destinations";
import type { Block, Inline, List, ListItem } from "../../webview/markdown/tree";

/** Far more than it takes, far less than what grows with the square of the length. */
const MAX_MS = 1_500;

/** Writes a tree down on one line, so that a test shows what it expects at a glance. */
function shown(found: readonly Block[]): string {
  return found.map(block).join(" ");
}

function block(one: Block): string {
  switch (one.kind) {
    case "paragraph":
      return `p(${line(one.children)})`;
    case "heading":
      return `h${one.level}(${line(one.children)})`;
    case "quote":
      return `quote(${shown(one.children)})`;
    case "rule":
      return "rule";
    case "code":
      return `code(${one.language}:${one.text}${one.isClosed ? "" : "…"})`;
    case "list":
      return list(one);
    case "table":
      return `table(${[one.head, ...one.rows].map((row) => row.map(line).join("|")).join(" / ")})`;
  }
}

function list(one: List): string {
  return `${one.start ?? "-"}${one.isLoose ? "loose" : ""}(${one.items.map(item).join(", ")})`;
}

function item(one: ListItem): string {
  const box = one.isDone ? "[x]" : "[ ]";
  return (one.isDone === null ? "" : box) + shown(one.children);
}

function line(found: readonly Inline[]): string {
  return found.map(inline).join("");
}

function inline(one: Inline): string {
  switch (one.kind) {
    case "text":
      return one.text.replaceAll("\n", "⏎");
    case "code":
      return `\`${one.text}\``;
    case "break":
      return "↵";
    case "link":
      return `link(${line(one.children)}→${one.url})`;
    case "image":
      return `image(${one.alt}→${one.url})`;
    default:
      return `${one.kind}(${line(one.children)})`;
  }
}

const EXAMPLES: readonly (readonly [string, string])[] = [
  ["", ""],
  ["one\ntwo\n\nthree", "p(one⏎two) p(three)"],
  ["one  \ntwo\\\nthree", "p(one↵two↵three)"],
  ["# One\n### Three ###\n#no", "h1(One) h3(Three) p(#no)"],
  ["## C#", "h2(C#)"],
  ["---\n***\n_ _ _\n--", "rule rule rule p(--)"],
  ["a\n---", "p(a) rule"],
  ["```py\na\n\n b\n```\nc", "code(py:a\n\n b) p(c)"],
  ["```py\na", "code(py:a…)"],
  ["```\n\tkept", "code(:\tkept…)"],
  ["~~~\n```\n~~~~", "code(:```)"],
  ["``` no ` fence", "p(``` no ` fence)"],
  ["    indented", "p(indented)"],
  ["> a\nb\n> > c\n\nd", "quote(p(a⏎b) quote(p(c))) p(d)"],
  ["> ```\n> a\n\nb", "quote(code(:a…)) p(b)"],
  ["- a\n- b\n* c", "-(p(a), p(b)) -(p(c))"],
  ["- a\n\n- b", "-loose(p(a), p(b))"],
  ["- a\n\n  more\n- b", "-loose(p(a) p(more), p(b))"],
  ["- a\n    * b\n      * c\n- d", "-(p(a) -(p(b) -(p(c))), p(d))"],
  ["3. a\n4. b\n1) c", "3(p(a), p(b)) 1(p(c))"],
  ["1. a\n   ```sh\n   x\n     y\n   ```\n2. b", "1(p(a) code(sh:x\n  y), p(b))"],
  ["1. a\n   ```sh\nx\n```\n2. b", "1(p(a) code(sh:x), p(b))"],
  ["- ```\n  x\n  ```", "-(code(:x))"],
  ["- a\nlazy\n\nend", "-(p(a⏎lazy)) p(end)"],
  ["- [ ] a\n- [x] b\n- [c] d", "-([ ]p(a), [x]p(b), p([c] d))"],
  ["In 1986\n1987. was", "p(In 1986⏎1987. was)"],
  ["what:\n1. a\n- b", "p(what:) 1(p(a)) -(p(b))"],
  ["a|b\n-|:-:\n1|2|3\n4\n\nx", "table(a|b / 1|2 / 4|) p(x)"],
  ["| a \\| b |\n| --- |\n| `x` |", "table(a | b / `x`)"],
  ["text\n| a |\n|---|\n| b |", "p(text) table(a / b)"],
  ["a | b\n--- | --- | ---", "p(a | b⏎--- | --- | ---)"],
  ["a<br>b<BR/>c<b>d</b>", "p(a↵b↵c<b>d</b>)"],
  [
    "*a* **b** ***c*** _d_ __e__ ~~f~~",
    "p(emphasis(a) strong(b) emphasis(strong(c)) emphasis(d) strong(e) strike(f))",
  ],
  ["*a **b** c*", "p(emphasis(a strong(b) c))"],
  ["*a**b*", "p(emphasis(a**b))"],
  ["snake_case_name 2 * 3 * 4 ~5 ~6", "p(snake_case_name 2 * 3 * 4 ~5 ~6)"],
  ["**a [0, 1)**", "p(strong(a [0, 1)))"],
  ["**open *both", "p(**open *both)"],
  ["a `` b`c `` `d` `e", "p(a `b`c` `d` `e)"],
  ["`*a*` \\*b\\* \\q", "p(`*a*` *b* \\q)"],
  ["&lt;a&gt; &amp;&copy; &#65;&#x42; &#0;", "p(<a> &&copy; AB �)"],
  ["[a *b*](https://x.org/a_b_c)", "p(link(a emphasis(b)→https://x.org/a_b_c))"],
  ['[a](<x y> "title") [b](x(y)z)', "p(link(a→x y) link(b→x(y)z))"],
  ["[a](x y) [a](", "p([a](x y) [a]()"],
  ["*[a*](b)", "p(*link(a*→b))"],
  ["[a [b](c) d](e)", "p([a link(b→c) d](e))"],
  ["![a **b**](https://x.org/?d=1)", "p(image(a **b**→https://x.org/?d=1))"],
  ["[![a](b)](c)", "p(link(image(a→b)→c))"],
  ["![x][y]\n\n[y]: https://x.org/", "p(![x][y]) p([y]: link(https://x.org/→https://x.org/))"],
  ["<https://x.org> <a@b.org>", "p(link(https://x.org→https://x.org) link(a@b.org→mailto:a@b.org))"],
  [
    "see https://x.org/a_(b)). And (http://y.org).",
    "p(see link(https://x.org/a_(b)→https://x.org/a_(b))). And (link(http://y.org→http://y.org)).)",
  ],
  ["**https://x.org**", "p(strong(link(https://x.org→https://x.org)))"],
  ["xhttps://x.org ftp://x.org https:// a:b", "p(xhttps://x.org ftp://x.org https:// a:b)"],
  ["[https://good.org](https://evil.org)", "p(link(https://good.org→https://evil.org))"],
];

for (const [source, expected] of EXAMPLES) {
  test(`markdown ${JSON.stringify(source)} is read`, () => {
    assert.equal(shown(blocks(source)), expected);
  });
}

const REFUSED: readonly string[] = [
  "javascript:alert(1)",
  " jAvAsCrIpT:alert(1)",
  "java\nscript:alert(1)",
  "data:text/html,x",
  "command:workbench.action.terminal.new",
  "vscode:extension/x",
  "file:///etc/passwd",
  "//x.org/a",
  "/a/b",
  "#a",
  "https://good.org@evil.org/",
  "https://",
  "",
];

test("only web pages and mail may be opened, and are named as they really are", () => {
  assert.equal(openable("https://X.org/a b"), "https://x.org/a%20b");
  assert.equal(openable("mailto:a@b.org"), "mailto:a@b.org");
  assert.match(openable("https://раураl.com/") ?? "", /^https:\/\/xn--/);
  for (const url of REFUSED) assert.equal(openable(url), null, url);
});

const REPEATED: readonly string[] = [
  ...["[", "![", "]", "[a](", "[a](b ", "[a](<b", '[a](b "', "[a](b) ", "![[a](b)", "*", "* ", "*a_ "],
  ...["**a _b ~~c ", "***a**b", "`", "`a``b```c", "<", "<a:", "&#", "\\", "https://", "https://)", "> ", ">"],
  ...[
    "- ",
    "  - a\n",
    "1. ",
    "a\n",
    "a\n\n",
    "|",
    "|a",
    "a|b\n-|-\n",
    "# ",
    "```\n",
    ": ",
    "a:",
    " \n",
    "- a\n\n",
  ],
];

for (const piece of REPEATED) {
  test(`100 KB of ${JSON.stringify(piece)} are read in time, and not too deep to be shown`, () => {
    const begin = performance.now();
    const found = blocks(piece.repeat(Math.ceil(100_000 / piece.length)));
    const tookMs = performance.now() - begin;
    assert.ok(tookMs < MAX_MS, `it took ${tookMs} ms`);
    assert.ok(depth(found) < 120);
  });
}

function depth(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Object.values(value).reduce((most: number, one) => Math.max(most, depth(one)), 0);
}

const PIECES: readonly string[] = [
  ...[
    "a",
    "b ",
    "\n",
    "\n\n",
    "  ",
    "    ",
    "- ",
    "1. ",
    "> ",
    "# ",
    "*",
    "**",
    "_",
    "~~",
    "`",
    "[",
    "](",
    ")",
  ],
  ...["![", "<", ">", "\\", "&lt;", "https://x.org", "---", "[x] ", "\t"],
];

test("no word of a text is lost", () => {
  const words = (text: string) => text.replaceAll(/[^ab]/g, "").length;
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }), (pieces) => {
      const text = pieces.join("");
      fc.pre(!/`{3}|~{3}/.test(text)); // of what stands behind a fence only the language is shown
      assert.ok(words(written(blocks(text))) >= words(text), text);
    }),
    { numRuns: 1_000 },
  );
});

/** Returns all text that is anywhere in a tree. */
function written(value: unknown, key = ""): string {
  if (typeof value === "string") return key === "kind" ? "" : value;
  if (typeof value !== "object" || value === null) return "";
  return Object.entries(value)
    .map(([name, one]) => written(one, name))
    .join("");
}
