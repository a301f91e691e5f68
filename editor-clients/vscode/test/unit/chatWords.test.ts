import assert from "node:assert/strict";
import { test } from "node:test";
import type { Turn } from "../../src/chat/conversation";
import { counted, footer, price, spent, title } from "../../src/chat/words";
import { Failure } from "../../src/server/failure";
import { cost, ROUTE, USAGE } from "./scriptedServer";

function turn(more: Partial<Turn> = {}): Turn {
  return {
    id: "1",
    question: { text: "What?", attached: [], task: null },
    replaces: null,
    texts: [],
    answer: "So.",
    state: "done",
    hint: null,
    finishReason: "stop",
    route: ROUTE,
    usage: USAGE,
    cost: cost("0.000213"),
    failure: null,
    ...more,
  };
}

test("a price says what is known: free, estimated, or unknown", () => {
  assert.equal(price(cost("0.000213")), "$0.00021");
  assert.equal(price(cost("0")), "free");
  assert.equal(price(cost("0.5", "estimated")), "~$0.50");
  assert.equal(price(cost(null, "unknown")), "cost unknown");
  assert.equal(price(cost("a lot")), "cost unknown");
  assert.equal(price(null), "cost unknown");
});

test("under an answer stand its model, tokens, cost and why", () => {
  assert.deepEqual(footer(turn()), [
    "openrouter/openai/gpt-4o-mini",
    "20 in, 4 out",
    "$0.00021",
    "an easy question",
  ]);
});

test("a running answer has no footer, and what the server has kept no model", () => {
  assert.deepEqual(footer(turn({ state: "running" })), []);
  assert.deepEqual(footer(turn({ route: null, usage: null, cost: null })), []);
});

test("how an answer ended is said, once", () => {
  assert.equal(footer(turn({ state: "stopped", finishReason: "cancelled" }))[0], "stopped");
  assert.equal(footer(turn({ state: "stopped", finishReason: "cancelled" })).includes("stopped", 1), false);
  assert(footer(turn({ finishReason: "length" })).includes("cut off at the longest answer allowed"));
});

test("a failure has a footer if it has cost something, or perhaps has", () => {
  const failure = new Failure("overloaded", "it is overloaded");
  assert.deepEqual(footer(turn({ state: "failed", cost: null, failure })), []);
  assert.deepEqual(footer(turn({ state: "failed", cost: cost("0"), failure })), []);
  assert(footer(turn({ state: "failed", failure })).includes("$0.00021"));
  assert(footer(turn({ state: "cut", cost: null, failure })).includes("cost unknown"));
});

test("what a provider says stays on its line", () => {
  const route = { ...ROUTE, reason: "first\nsecond\u0007 third" };
  assert.equal(footer(turn({ route })).at(-1), "first second third");
});

test("a chat says what all of it has cost, and that a part is unknown", () => {
  assert.equal(spent([]), "");
  assert.equal(spent([turn(), turn()]), "$0.00043");
  assert.equal(spent([turn(), turn({ cost: cost(null, "unknown") })]), "$0.00021 and unknown");
  assert.equal(spent([turn({ cost: null, state: "cut" })]), "cost unknown");
  assert.equal(spent([turn({ cost: null, state: "running" })]), "$0.00");
});

test("a chat's title is the beginning of its first question, in whole characters", () => {
  assert.equal(title([]), "New chat");
  assert.equal(title([turn({ question: { text: " a\nb ", attached: [], task: null } })]), "a b");
  assert.equal(
    title([turn({ question: { text: "😀".repeat(99), attached: [], task: null } })]),
    "😀".repeat(60),
  );
});

test("one is not many", () => {
  assert.deepEqual(
    [counted(1, "turn"), counted(2, "turn"), counted(0, "turn")],
    ["1 turn", "2 turns", "0 turns"],
  );
});
