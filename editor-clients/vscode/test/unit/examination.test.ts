import assert from "node:assert/strict";
import { test } from "node:test";
import { page } from "../../src/examination";
import type { CheckShape } from "../../src/protocol";

const FACTS = { extension: "0.1.0", editor: "Code 1.139.1", isTrusted: true };
const CHECKS: readonly CheckShape[] = [
  { name: "version", state: "ok", message: "farebox 0.1.0", hint: "" },
  { name: "complete", state: "warning", message: "is switched off", hint: "Switch it on" },
  { name: "chat", state: "error", message: "no key", hint: "Add one" },
];

test("what is wrong comes first, each with what to do about it", () => {
  const text = page(CHECKS, FACTS);
  const order = [
    "1 error, 1 warning, 1 in order.",
    "To do",
    "no key",
    "Add one",
    "To consider",
    "Switch it on",
    "In order",
  ];
  const places = order.map((words) => text.indexOf(words));
  assert.ok(places.every((place) => place >= 0));
  assert.deepEqual(
    places,
    [...places].sort((one, other) => one - other),
  );
});

test("where nothing is wrong that is said, and no section is empty", () => {
  const text = page(CHECKS.slice(0, 1), FACTS);
  assert.match(text, /All is in order/);
  assert.doesNotMatch(text, /To do|To consider/);
});

test("a folder that is not trusted is said to be none", () => {
  assert.match(page(CHECKS, { ...FACTS, isTrusted: false }), /not trusted: nothing is sent/);
});

test("foreign words stay words", () => {
  const evil = "![x](https://evil.example/p.png)\n# <b>h</b>";
  const text = page([{ name: evil, state: "error", message: evil, hint: evil }], FACTS);
  assert.ok(!text.includes("https://"));
  assert.doesNotMatch(text, /(?<!\\)[<!]/);
});
