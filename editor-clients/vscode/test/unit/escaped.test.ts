import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { escaped } from "../../src/markdown";

test("every sign that markdown could take for something is escaped", () => {
  assert.equal(escaped("a_b *c* [d](e)"), "a\\_b \\*c\\* \\[d\\]\\(e\\)");
});

test("whatever the text, it stays one line, and each of its signs has its own backslash", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      const shown = escaped(text);
      assert.ok(!/[\n\r\u2028\u2029]/.test(shown));
      assert.equal(shown.replace(/\\[!-/:-@[-`{-~]/g, "").match(/[!-/:-@[-`{-~]/), null);
    }),
  );
});

test("a text that would fill the screen is cut", () => {
  assert.ok(escaped("a".repeat(10_000)).length < 1_000);
});
