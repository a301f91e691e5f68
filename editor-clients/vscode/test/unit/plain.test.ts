import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { label, line, unlinked } from "../../src/plain";

test("a name is shown with the letters that it has, in their order", () => {
  assert.equal(line("photo\u202egpj.exe"), "photogpj.exe");
  assert.equal(line("a\u2066b\u2069\u{e0041}c"), "abc");
  assert.equal(line("שלום عربي 👩‍💻.md"), "שלום عربي 👩‍💻.md");
});

test("foreign text makes no picture in a list, whatever is between its signs", () => {
  for (const between of ["", "\u202e", "\x07", "\u{e0020}"]) {
    assert.doesNotMatch(label(`$${between}(error) a.py`), /\$\(/);
  }
});

test("foreign text makes no link in a message, whatever it is", () => {
  const link = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)/i;
  assert.match("[Add a Key](command:evil)", link);
  assert.doesNotMatch(unlinked("[Add a Key](command:evil)"), link);
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("[", "]", "(", ")", "command:x", "a", "\u200b") }),
      (text) => {
        assert.doesNotMatch(unlinked(text), link);
      },
    ),
  );
});
