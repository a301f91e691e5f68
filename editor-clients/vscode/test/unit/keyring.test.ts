import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { changes, keyringOf, nameProblemOf, problemOf, textOf } from "../../src/keyring";

const names = fc.string({ minLength: 1, maxLength: 20 });
const keyrings = fc.array(fc.tuple(names, names)).map((entries) => new Map(entries));

test("what is kept is read again", () => {
  fc.assert(
    fc.property(keyrings, (keyring) => {
      assert.deepEqual([...keyringOf(textOf(keyring))].sort(), [...keyring].sort());
    }),
  );
});

test("what can't be read counts as no keys", () => {
  for (const text of [undefined, "", "{", "null", "[]", "3", '"sk"']) assert.equal(keyringOf(text).size, 0);
  assert.deepEqual([...keyringOf('{"a": 1, "b": "key"}')], [["b", "key"]]);
});

test("a server is told what is new, what is another, and what is gone", () => {
  const before = new Map([
    ["same", "1"],
    ["other", "1"],
    ["gone", "1"],
  ]);
  const after = new Map([
    ["same", "1"],
    ["other", "2"],
    ["new", "1"],
  ]);
  assert.deepEqual(
    [...changes(before, after)],
    [
      ["gone", null],
      ["other", "2"],
      ["new", "1"],
    ],
  );
});

test("a server that was told the changes knows the keys that are kept", () => {
  fc.assert(
    fc.property(keyrings, keyrings, (before, after) => {
      const known = new Map(before);
      for (const [provider, key] of changes(before, after)) {
        if (key === null) known.delete(provider);
        else known.set(provider, key);
      }
      assert.deepEqual([...known].sort(), [...after].sort());
    }),
  );
});

test("a key with something else around it is refused without repeating it", () => {
  for (const typed of ["sk-1 sk-2", "kéy-123", "OPENAI=\nsk-1", `${"k".repeat(5000)}`]) {
    const problem = problemOf(typed) ?? "";
    assert.match(problem, /Copy it again/);
    assert.ok(!problem.includes(typed.slice(0, 4)));
  }
  assert.equal(problemOf("  sk-or-v1-0123abc \n"), null);
});

test("a key is not taken for a provider's name", () => {
  assert.match(nameProblemOf("sk-or-v1-0123") ?? "", /looks like a key/);
  assert.match(nameProblemOf("0".repeat(64)) ?? "", /looks like a key/);
  assert.equal(nameProblemOf("workstation"), null);
});
