/** Questions about code: their words, and how much of the code they are about. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { enclosing, explainText, fixText } from "../../src/codeQuestions";

test("a question says what it is about, on one line and not without end", () => {
  assert.equal(explainText([]), "Explain this code.");
  assert.equal(explainText(["x is\nnot defined"]), "Explain this problem: x is not defined");
  assert.equal(explainText(["a", "b"]), "Explain these 2 problems.");
  assert.equal(fixText(["missing ;"]), "Fix this problem: missing ;");
  assert.equal(fixText(["a", "b", "c"]), "Fix these 3 problems.");
  assert.ok(fixText(["long ".repeat(10_000)]).length < 400);
});

function lines(start: number, end: number) {
  return { start: { line: start }, end: { line: end } };
}

const METHOD = { range: lines(3, 6), children: [{ range: lines(4, 4), children: [] }] };
const SYMBOLS = [
  { range: lines(1, 9), children: [METHOD] },
  { range: lines(12, 12), children: [] },
];

test("code is asked about by the smallest definition of more than a line that it is in", () => {
  assert.deepEqual(enclosing(SYMBOLS, lines(4, 4)), METHOD.range);
  assert.deepEqual(enclosing(SYMBOLS, lines(2, 4)), SYMBOLS[0]?.range);
});

test("what is in no definition, or in one of a line, is asked about as a whole document", () => {
  assert.equal(enclosing(SYMBOLS, lines(12, 12)), null);
  assert.equal(enclosing(SYMBOLS, lines(8, 12)), null);
  assert.equal(enclosing([], lines(0, 0)), null);
});
