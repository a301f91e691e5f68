import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Change, follow, type Shown } from "../../src/completion/uptake";

const SHOWN: Shown = {
  id: "1",
  uri: "file:///a",
  text: "return total\nprint(x)",
  line: 3,
  character: 4,
  accepted: 0,
};

function change(text: string, more: Partial<Change> = {}): Change {
  return { uri: "file:///a", line: 3, character: 4, replaced: 0, text, ...more };
}

test("a part that is accepted in one go is told with its length", () => {
  const first = follow(SHOWN, change("return"));
  assert.equal(first.partial, 6);
  assert.deepEqual(first.shown, { ...SHOWN, text: " total\nprint(x)", character: 10, accepted: 6 });
  const second = follow(first.shown ?? SHOWN, change(" total\n", { character: 10 }));
  assert.equal(second.partial, 13);
  assert.deepEqual(second.shown, { ...SHOWN, text: "print(x)", line: 4, character: 0, accepted: 13 });
});

test("what is typed along it is no acceptance", () => {
  assert.equal(follow(SHOWN, change("r")).partial, null);
  const call: Shown = { ...SHOWN, text: "()" };
  assert.equal(
    follow({ ...call, text: "()\n" }, change("()")).partial,
    null,
    "a pair that the editor closes",
  );
});

test("all of it is told by the editor itself", () => {
  assert.deepEqual(follow(SHOWN, change(SHOWN.text)), { shown: null, partial: null });
});

test("anything else ends it, and what happens elsewhere does not concern it", () => {
  for (const one of [
    change("x"),
    change("return", { replaced: 2 }),
    change("return", { character: 5 }),
    change(""),
  ]) {
    assert.deepEqual(follow(SHOWN, one), { shown: null, partial: null });
  }
  assert.deepEqual(follow(SHOWN, change("return", { uri: "file:///b" })), { shown: SHOWN, partial: null });
});

test("however it is cut into parts, what is left is the rest of it, at the end of what was accepted", () => {
  const text = fc.string({ minLength: 1, unit: fc.constantFrom("a", "(", ")", "\n", " ", "é", "😀") });
  const cuts = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(text, cuts, (whole, lengths) => {
      let shown: Shown | null = { ...SHOWN, text: whole };
      let done = "";
      for (const length of lengths) {
        if (shown === null || length === 0) continue;
        const part: string = shown.text.slice(0, length);
        const { line, character }: Shown = shown;
        shown = follow(shown, change(part, { line, character })).shown;
        done += part;
        if (shown === null) {
          assert.equal(done, whole);
          return;
        }
        const lines = done.split("\n");
        assert.equal(done + shown.text, whole);
        assert.equal(shown.line, SHOWN.line + lines.length - 1);
        assert.equal(
          shown.character,
          (lines.length === 1 ? SHOWN.character : 0) + (lines.at(-1) ?? "").length,
        );
        assert.equal(shown.accepted, done.length);
      }
    }),
  );
});
