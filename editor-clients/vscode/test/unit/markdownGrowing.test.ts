import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { blocks } from "../../webview/markdown/blocks";
import { Growing } from "../../webview/markdown/growing";

const ANSWER = `# Plan

Take **this** and\nthat:

1. first
   \`\`\`py
   def f():

       return 1
   \`\`\`
2. second

   more of it
- [ ] task

| a | b |
|---|:-:|
| 1 | [x](https://x.org) |

> quoted
lazily

~~~
open`;

function grown(pieces: readonly string[]): unknown {
  const growing = new Growing();
  for (const piece of pieces) growing.add(piece);
  return growing.blocks;
}

test("a text that comes in two pieces is read as the whole, wherever it is split", () => {
  for (let at = 0; at <= ANSWER.length; at += 1) {
    assert.deepEqual(grown([ANSWER.slice(0, at), ANSWER.slice(at)]), blocks(ANSWER), `split at ${at}`);
  }
});

test("a text that comes character by character is read as the whole", () => {
  assert.deepEqual(grown([...ANSWER]), blocks(ANSWER));
});

const PIECES = [
  "a",
  " ",
  "\n",
  "\n\n",
  "  ",
  "   ",
  "-",
  "- ",
  "1",
  ".",
  " b",
  "> ",
  "#",
  "```",
  "~~~",
  "|",
  "--",
  "\t",
  "*",
  "`",
  "[x]",
];

test("any text in any pieces is read as the whole", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }), (pieces) => {
      assert.deepEqual(grown(pieces), blocks(pieces.join("")));
    }),
    { numRuns: 5_000 },
  );
});

test("blocks that cannot change any more stay the same objects", () => {
  const growing = new Growing();
  growing.add("one\n\ntwo\n\nthr");
  const before = growing.blocks;
  growing.add("ee\n\nfour");
  assert.equal(growing.blocks[0], before[0]);
  assert.equal(growing.blocks.length, 4);
});

test("carriage returns and NULs are no part of what is shown", () => {
  assert.deepEqual(grown(["a\r", "\nb\0c"]), blocks("a\nbc"));
});

test("an answer of 100 KB that comes in small pieces is read in time", () => {
  const growing = new Growing();
  const begin = performance.now();
  for (let at = 0; at < 100_000; at += 100)
    growing.add(
      "A few *words* of `code` and others, in a line of text.\n\nnext\n- a\n".repeat(2).slice(0, 100),
    );
  assert.ok(performance.now() - begin < 1_500, `${performance.now() - begin} ms`);
});
