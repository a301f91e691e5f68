/** Differences of two texts, and a proposal for a document that is edited meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { editsBetween, followed, hunksBetween, type LineEdit, merged } from "../../src/review/hunks";

const LINES = fc.array(fc.constantFrom("", "a", "b", "c", "dd", "e😀", "  f"), {
  minLength: 1,
  maxLength: 10,
});

/** Edits a text as an editor does: all positions are those before. */
function edited(lines: readonly string[], edits: readonly LineEdit[], eol: string): string {
  const offset = ({ line, character }: LineEdit["start"]) =>
    lines.slice(0, line).reduce((sum, one) => sum + one.length + eol.length, 0) + character;
  let text = lines.join(eol);
  for (const edit of edits.toReversed()) {
    text = text.slice(0, offset(edit.start)) + edit.text + text.slice(offset(edit.end));
  }
  return text;
}

test("the edits between two texts make one of the other, and do not overlap", () => {
  fc.assert(
    fc.property(LINES, LINES, fc.constantFrom("\n", "\r\n"), (old, next, eol) => {
      const edits = editsBetween(old, next, eol);
      assert.equal(edited(old, edits, eol), next.join(eol));
      for (const [n, { start }] of edits.entries()) {
        const before = edits[n - 1]?.end ?? { line: 0, character: 0 };
        assert.ok(before.line < start.line || before.character <= start.character);
      }
    }),
  );
});

test("a text has no differences from itself, and an unchanged line is in none", () => {
  assert.deepEqual(hunksBetween(["a", "b"], ["a", "b"]), []);
  assert.deepEqual(hunksBetween(["one", "two", "three"], ["one", "2", "three", "four"]), [
    { span: { start: 1, end: 2 }, lines: ["2"] },
    { span: { start: 3, end: 3 }, lines: ["four"] },
  ]);
});

test("a proposal for a document that nobody has edited is what was proposed", () => {
  fc.assert(
    fc.property(LINES, LINES, (base, proposed) => {
      const { lines, dropped } = merged(base, proposed, base);
      assert.deepEqual([lines, dropped], [proposed, 0]);
    }),
  );
});

test("without a proposal an edited document stays as it is", () => {
  fc.assert(
    fc.property(LINES, LINES, (base, current) =>
      assert.deepEqual(merged(base, base, current).lines, current),
    ),
  );
});

const UNIQUE = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 3, maxLength: 12 });

test("lines that somebody has written meanwhile are never lost", () => {
  fc.assert(
    fc.property(UNIQUE, LINES, fc.array(fc.nat(12), { maxLength: 4 }), (base, proposed, rows) => {
      const current = [...base];
      for (const row of rows)
        current.splice(Math.min(row, current.length), 0, `typed ${row} ${current.length}`);
      const typed = current.filter((line) => line.startsWith("typed"));
      const { lines } = merged(base, proposed, current);
      assert.deepEqual(
        lines.filter((line) => line.startsWith("typed")),
        typed,
      );
    }),
  );
});

test("changes follow edits around them, and one whose lines have changed is left out", () => {
  const base = ["import os", "", "def one():", "    return 1", "", "def two():", "    return 2", ""];
  const proposed = base.map((line) => line.replace("return 1", "return 10").replace("return 2", "return 20"));
  const current = ["# above", ...base.map((line) => line.replace("return 2", "return 3"))];
  const result = merged(base, proposed, current);
  assert.deepEqual(result.lines, [
    "# above",
    ...base.slice(0, 3),
    "    return 10",
    "",
    "def two():",
    "    return 3",
    "",
  ]);
  assert.deepEqual([result.kept, result.dropped], [1, 1]);
});

test("lines are followed through edits before and within them, and when the lines around them have gone", () => {
  const base = ["a", "b", "c", "d", "e"];
  assert.deepEqual(followed({ start: 1, end: 3 }, base, ["new", ...base]), { start: 2, end: 4 });
  assert.deepEqual(followed({ start: 1, end: 3 }, base, ["a", "b", "new", "c", "d", "e"]), {
    start: 1,
    end: 4,
  });
  assert.deepEqual(followed({ start: 1, end: 3 }, base, ["b", "c", "e"]), { start: 0, end: 2 });
});
