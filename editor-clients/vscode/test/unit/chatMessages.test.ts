import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsed } from "../../src/chat/messages";
import type { FromPage } from "../../src/chat/wire";

const MEANT: readonly FromPage[] = [
  { type: "ready" },
  { type: "typed", text: "Wha" },
  { type: "send", text: "What?" },
  { type: "stop" },
  { type: "retry" },
  { type: "attach" },
  { type: "detach", id: "1" },
  { type: "chooseModel" },
  { type: "copy", text: "x" },
  { type: "insert", text: "x" },
  { type: "apply", turn: "1", code: "x", language: "" },
  { type: "explain", turn: "1" },
  { type: "open", url: "https://example.org/a?b#c" },
  { type: "run", command: "farebox.addKey" },
];

test("what the page may say is understood", () => {
  for (const message of MEANT) assert.deepEqual(parsed(message), message);
});

test("a message that lacks something, or has it as another kind, is nothing", () => {
  for (const message of MEANT) {
    for (const name of Object.keys(message)) {
      assert.equal(parsed({ ...message, [name]: 1 }), null, `${message.type}.${name}`);
      const { [name]: _, ...rest } = message as Record<string, unknown>;
      assert.equal(parsed(rest), null, `${message.type} without ${name}`);
    }
  }
});

test("only what one reads or writes to is opened", () => {
  for (const url of ["http://a", "https://a", "mailto:a@b.org"]) assert(parsed({ type: "open", url }), url);
  for (const url of [
    "javascript:alert(1)",
    "command:workbench.action.quit",
    "vscode://x/y",
    "file:///etc/passwd",
    "data:text/html,x",
    " java\nscript:alert(1)",
    "//example.org",
    "https://example.org@evil.org/",
    "",
  ]) {
    assert.equal(parsed({ type: "open", url }), null, url);
  }
});

test("whatever else comes is nothing, and nothing more than the message is passed on", () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      const message = parsed(value);
      assert(message === null || MEANT.some((one) => one.type === message.type));
    }),
  );
  assert.deepEqual(parsed({ type: "stop", more: "x" }), { type: "stop" });
  assert.equal(parsed({ type: "send", text: "x".repeat(4_000_001) }), null);
});
