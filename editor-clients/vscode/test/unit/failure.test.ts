import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure, failureOf } from "../../src/server/failure";

test("an error of the server keeps its kind, its words and its hint", () => {
  const failure = failureOf({
    code: -32061,
    message: "the daily budget is used up",
    data: { kind: "budgetExceeded", hint: "Raise it." },
  });
  assert.deepEqual(
    [failure.kind, failure.message, failure.hint],
    ["budgetExceeded", "the daily budget is used up", "Raise it."],
  );
});

test("a hint of the server holds no link, for it may be somebody else's words", () => {
  const hint = "See [this](command:evil).";
  assert.doesNotMatch(failureOf({ message: "no", data: { hint } }).hint ?? "", /\]\(/);
});

test("a request that was taken back is no error", () => {
  assert.equal(failureOf({ code: -32800, message: "cancelled" }).kind, "cancelled");
});

test("the end of the connection is the end of the server, which a message has told already", () => {
  for (const code of [-32097, -32099]) {
    const failure = failureOf({ code, message: "Pending response rejected since connection got disposed" });
    assert.equal(failure.kind, "serverEnded");
    assert.equal(failure.isTold, true);
  }
});

test("whatever is thrown becomes a failure with words", () => {
  for (const thrown of [undefined, null, "text", 7, {}, { message: 5 }, { data: { kind: "unheard of" } }]) {
    const failure = failureOf(thrown);
    assert.equal(failure.kind, "error");
    assert.equal(failure.message, "it failed");
  }
  const known = new Failure("config", "broken");
  assert.equal(failureOf(known), known);
});
