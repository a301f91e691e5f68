import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Edit, type Lines, linesOf, moved } from "../../src/chat/tracking";

const LINES: Lines = { start: 3, end: 5 };

function edit(start: readonly [number, number], end: readonly [number, number], text: string): Edit {
  return {
    start: { line: start[0], character: start[1] },
    end: { line: end[0], character: end[1] },
    text,
  };
}

function inserted(line: number, character: number, text: string): Edit {
  return edit([line, character], [line, character], text);
}

test("a selection is about the lines that it has a character of", () => {
  const at = (line: number, character: number) => ({ line, character });
  assert.deepEqual(linesOf({ start: at(3, 2), end: at(4, 1) }), { start: 3, end: 5 });
  assert.deepEqual(linesOf({ start: at(3, 0), end: at(5, 0) }), { start: 3, end: 5 });
  assert.deepEqual(linesOf({ start: at(3, 0), end: at(3, 0) }), { start: 3, end: 4 });
});

for (const [what, change, expected] of [
  ["lines put before them move them", inserted(0, 0, "a\nb\n"), { start: 5, end: 7 }],
  ["lines put right before them stay outside", inserted(3, 0, "a\n"), { start: 4, end: 6 }],
  ["lines put right after them stay outside", inserted(5, 0, "a\n"), { start: 3, end: 5 }],
  ["a line begun at the end of the last one is inside", inserted(4, 7, "\nx"), { start: 3, end: 6 }],
  ["what is typed in the first one moves nothing", inserted(3, 0, "x"), { start: 3, end: 5 }],
  ["what is typed in the line after them moves nothing", inserted(5, 0, "x"), { start: 3, end: 5 }],
  ["lines deleted before them move them", edit([0, 0], [2, 0], ""), { start: 1, end: 3 }],
  ["one of them that is deleted is missing", edit([3, 0], [4, 0], ""), { start: 3, end: 4 }],
  ["all of them deleted leave none", edit([3, 0], [5, 0], ""), { start: 3, end: 3 }],
  ["they and more deleted leave none", edit([1, 0], [9, 0], ""), { start: 1, end: 1 }],
  ["a first line joined to the one before takes that in", edit([2, 4], [3, 0], ""), { start: 2, end: 4 }],
  ["a last line joined to the one after takes that in", edit([4, 4], [5, 0], ""), { start: 3, end: 5 }],
  ["all of the document replaced is theirs", edit([0, 0], [9, 0], "a\nb\nc\n"), { start: 0, end: 3 }],
  [
    "ends of lines are counted, however they are written",
    inserted(0, 0, "a\r\nb\rc\n"),
    { start: 6, end: 8 },
  ],
] as const) {
  test(what, () => assert.deepEqual(moved(LINES, change), expected));
}

const ROWS = fc.array(fc.constantFrom("", "a", "bc", "def"), { minLength: 1, maxLength: 8 });

/** A document, some whole lines of it, and an edit that does not touch them. */
const APART = fc
  .tuple(ROWS, ROWS, ROWS, ROWS, fc.boolean())
  .map(([before, within, after, text, isBefore]) => {
    const lines = { start: before.length, end: before.length + within.length };
    const [first, count] = isBefore ? [0, before.length] : [lines.end, after.length];
    const change = edit([first, 0], [first + count, 0], `${text.join("\n")}\n`);
    const changed = isBefore ? [...text, ...within, ...after] : [...before, ...within, ...text];
    return { lines, within, change, changed };
  });

test("lines say the same after an edit that does not touch them", () => {
  fc.assert(
    fc.property(APART, ({ lines, within, change, changed }) => {
      const { start, end } = moved(lines, change);
      assert.deepEqual(changed.slice(start, end), within);
    }),
  );
});

test("lines stay in order, whatever is edited", () => {
  const place = fc.tuple(fc.nat(12), fc.nat(6));
  fc.assert(
    fc.property(place, place, fc.string(), fc.nat(8), fc.nat(8), (one, other, text, start, count) => {
      const [from, to] = [one, other].sort((a, b) => a[0] - b[0] || a[1] - b[1]) as [
        typeof one,
        typeof other,
      ];
      const found = moved({ start, end: start + count }, edit(from, to, text));
      assert(found.start >= 0 && found.start <= found.end);
    }),
  );
});
