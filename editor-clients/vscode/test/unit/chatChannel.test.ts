import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Channel } from "../../src/chat/channel";
import type { ShownTurn, ToPage } from "../../src/chat/wire";

const TURN: ShownTurn = {
  id: "1",
  question: "What?",
  attached: [],
  answer: "So.",
  state: "done",
  hint: null,
  footer: [],
  failure: null,
};

function channel(context: TestContext): { channel: Channel; posted: ToPage[] } {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const posted: ToPage[] = [];
  return { channel: new Channel((message) => posted.push(message)), posted };
}

test("the words of a moment go together", (context) => {
  const { channel: one, posted } = channel(context);
  for (const text of ["a", "b", "c"]) one.send({ type: "text", turn: "1", text });
  assert.deepEqual(posted, []);
  context.mock.timers.tick(30);
  one.send({ type: "text", turn: "1", text: "d" });
  context.mock.timers.tick(30);
  assert.deepEqual(posted, [
    { type: "text", turn: "1", text: "abc" },
    { type: "text", turn: "1", text: "d" },
  ]);
});

test("what is told of something else comes after the words before it", (context) => {
  const { channel: one, posted } = channel(context);
  one.send({ type: "text", turn: "1", text: "a" });
  one.send({ type: "text", turn: "2", text: "b" });
  one.send({ type: "focus" });
  assert.deepEqual(posted, [
    { type: "text", turn: "1", text: "a" },
    { type: "text", turn: "2", text: "b" },
    { type: "focus" },
  ]);
});

test("a whole turn, or a whole chat, has the words that wait", (context) => {
  const { channel: one, posted } = channel(context);
  one.send({ type: "text", turn: "1", text: "So." });
  one.send({ type: "turn", turn: TURN });
  const chat = { conversation: "x", turns: [TURN], bar: { model: null, spent: "", pending: [] } };
  one.send({ type: "text", turn: "1", text: "So." });
  one.send({ type: "chat", chat });
  context.mock.timers.tick(100);
  assert.deepEqual(
    posted.map((message) => message.type),
    ["turn", "chat"],
  );
});

test("nobody is told what waited for a page that has gone", (context) => {
  const { channel: one, posted } = channel(context);
  one.send({ type: "text", turn: "1", text: "a" });
  one.forget();
  context.mock.timers.tick(100);
  assert.deepEqual(posted, []);
});
