import assert from "node:assert/strict";
import { test } from "node:test";
import { Conversation, type Turn } from "../../src/chat/conversation";
import type { ChatEventParams } from "../../src/protocol";
import { Failure } from "../../src/server/failure";
import { attachment, cost, ROUTE, ScriptedServer, USAGE } from "./scriptedServer";

type Event = ChatEventParams["event"];

const DONE: Event = {
  type: "done",
  finishReason: "cancelled",
  usage: USAGE,
  cost: cost("0.5"),
  cancelled: true,
};

class Chat {
  readonly server = new ScriptedServer();
  readonly heard: string[] = [];
  readonly conversation = new Conversation(this.server, {
    turn: (turn: Turn) => this.heard.push(`${turn.state} ${turn.hint ?? turn.answer}`),
    text: (_, text) => this.heard.push(`+${text}`),
    removed: () => this.heard.push("removed"),
  });

  ask(text: string, ...attached: readonly ReturnType<typeof attachment>[]): Promise<void> {
    return this.conversation.ask({ text, attached, task: null });
  }

  async asked(text: string, answer: string): Promise<void> {
    const end = this.ask(text);
    await this.server.answer(answer);
    await end;
  }

  get last(): Readonly<Turn> {
    const turn = this.conversation.turns.at(-1);
    assert(turn);
    return turn;
  }

  hear(...events: readonly Event[]): void {
    for (const event of events) this.conversation.hear(this.last.id, event);
  }
}

test("an answer comes with its hints, its words and what it cost", async () => {
  const chat = new Chat();
  const end = chat.ask("What is it?");
  await chat.server.arrived();
  chat.hear(
    { type: "route", route: ROUTE },
    { type: "reasoning", text: "hm" },
    { type: "retry", attempt: 1, maxAttempts: 3, model: "m", error: "overloaded" },
    { type: "text", text: "A " },
    { type: "text", text: "circle" },
    { type: "reasoning", text: "hm" },
  );
  await chat.server.answer("A circle.");
  await end;
  assert.deepEqual(chat.heard, [
    "running …",
    "running openrouter/openai/gpt-4o-mini…",
    "running thinking…",
    "running attempt 1 of 3 failed: overloaded",
    "running A ",
    "+circle",
    "done A circle.",
  ]);
  assert.equal(chat.last.cost?.usd, "0.000213");
  assert.equal(chat.conversation.running, null);
});

test("a question names its conversation and turn, and tells a new server that there was nothing before", async () => {
  const chat = new Chat();
  await chat.asked("One?", "Yes.");
  await chat.asked("Two?", "No.");
  const [first, second] = chat.server.asked;
  assert.deepEqual(first?.history, []);
  assert.equal(first?.conversation, chat.conversation.id);
  assert.equal(second?.turn, chat.last.id);
  assert.equal(second?.history, undefined, "it knows");
  for (const id of [first?.conversation, first?.turn]) assert.match(id ?? "", /^[A-Za-z0-9_-]{1,64}$/);
});

test("another server is told what was said, with what was attached to it", async () => {
  const chat = new Chat();
  const end = chat.ask("One?", attachment("a.py"));
  await chat.server.answer("Yes.");
  await end;
  chat.server.generation = 2;
  await chat.asked("Two?", "No.");
  const [earlier] = chat.server.asked[1]?.history ?? [];
  assert.equal(earlier?.text, "One?");
  assert.equal(earlier?.answer, "Yes.");
  assert.deepEqual(earlier?.attachments, [{ name: "a.py", text: "the text of a.py" }]);
});

test("a server that has forgotten the conversation is told it, once", async () => {
  const chat = new Chat();
  await chat.asked("One?", "Yes.");
  const end = chat.ask("Two?");
  const forgotten = new Failure("invalidParams", "there is no conversation x");
  await chat.server.refuse(forgotten);
  await chat.server.answer("No.");
  await end;
  assert.equal(chat.server.asked[2]?.history?.length, 1);
  const again = chat.ask("Three?");
  await chat.server.refuse(forgotten);
  await chat.server.refuse(forgotten);
  await again;
  assert.equal(chat.last.state, "failed");
});

test("a server that does not run will be another one, and is told at once", async () => {
  const chat = new Chat();
  await chat.asked("One?", "Yes.");
  chat.server.isRunning = false;
  await chat.asked("Two?", "No.");
  assert.equal(chat.server.asked[1]?.history?.length, 1);
});

test("stop ends a turn at once, and its cost is taken when it is told", async () => {
  const chat = new Chat();
  const end = chat.ask("Count.");
  await chat.server.arrived();
  chat.hear({ type: "text", text: "One" });
  chat.conversation.stop();
  assert.equal(chat.last.state, "stopped");
  assert.equal(chat.conversation.running, null);
  await end;
  assert.equal(chat.last.failure, null);
  chat.hear({ type: "text", text: " two" });
  assert.equal(chat.last.answer, "One", "what comes after it is not shown");
  chat.hear(DONE);
  assert.equal(chat.last.cost?.usd, "0.5");
});

test("while an answer comes nothing else is asked", async () => {
  const chat = new Chat();
  const end = chat.ask("One?");
  await chat.ask("Two?");
  assert.equal(chat.conversation.turns.length, 1);
  chat.conversation.stop();
  await end;
});

test("a stopped turn that has not left yet never leaves", async () => {
  const chat = new Chat();
  const end = chat.ask("One?");
  chat.conversation.stop();
  const next = chat.ask("Two?");
  await chat.server.answer("Yes.");
  await Promise.all([end, next]);
  assert.deepEqual(
    chat.conversation.turns.map((turn) => [turn.state, turn.answer]),
    [
      ["stopped", ""],
      ["done", "Yes."],
    ],
  );
  assert.equal(chat.server.asked.length, 1);
});

test("a question asked again takes the place of its answer, says so, and brings what was attached", async () => {
  const chat = new Chat();
  const end = chat.ask("What?", attachment("a.py"));
  await chat.server.answer("A square.");
  await end;
  const first = chat.last.id;
  const again = chat.conversation.retry();
  await chat.server.answer("A circle.");
  await again;
  assert.equal(chat.conversation.turns.length, 1);
  assert.equal(chat.last.answer, "A circle.");
  assert.equal(chat.server.asked[1]?.replaces, first);
  assert.deepEqual(chat.server.asked[1]?.attachments, [{ name: "a.py", text: "the text of a.py" }]);
  assert.deepEqual(
    chat.conversation.replaced.map((turn) => turn.id),
    [first],
  );
});

test("asking again while the answer comes stops it, and its cost still counts", async () => {
  const chat = new Chat();
  const end = chat.ask("What?");
  await chat.server.arrived();
  const first = chat.last.id;
  const again = chat.conversation.retry();
  await chat.server.answer("A circle.");
  await Promise.all([end, again]);
  chat.conversation.hear(first, DONE);
  assert.equal(chat.conversation.replaced[0]?.cost?.usd, "0.5");
  assert.equal(chat.heard.at(-1), "removed", "it is not shown again");
});

test("an answer is cut when the server dies in it, and a question has failed when it dies before", async () => {
  const chat = new Chat();
  const died = new Failure("serverEnded", "the server has ended (signal SIGKILL)");
  const first = chat.ask("One?");
  await chat.server.refuse(died);
  await first;
  assert.equal(chat.last.state, "failed");
  const second = chat.ask("Two?");
  await chat.server.arrived(2);
  chat.hear({ type: "text", text: "It is" });
  await chat.server.refuse(died);
  await second;
  assert.equal(chat.last.state, "cut");
  chat.server.generation = 2;
  await chat.asked("Three?", "Yes.");
  assert.deepEqual(
    chat.server.asked[2]?.history?.map((turn) => turn.answer),
    ["It is"],
    "what has come of it is told, and a question without an answer is not",
  );
});

test("what cannot be attached any more fails the question, which never leaves", async () => {
  const chat = new Chat();
  const gone = {
    ...attachment("a.py"),
    sent: () => Promise.reject(new Failure("error", "a.py cannot be read")),
  };
  await chat.ask("What?", gone);
  assert.equal(chat.last.failure?.message, "a.py cannot be read");
  assert.equal(chat.server.asked.length, 0);
});

test("the history is the newest turns, as many as the server takes", async () => {
  const chat = new Chat();
  for (let number = 0; number < 160; number += 1) await chat.asked(`Question ${number}`, "Yes.");
  chat.server.generation = 2;
  await chat.asked("And?", "No.");
  const history = chat.server.asked.at(-1)?.history ?? [];
  assert.equal(history.length, 150);
  assert.equal(history.at(-1)?.text, "Question 159");
});

test("the history stays below what a message may hold", async () => {
  const chat = new Chat();
  for (let number = 0; number < 6; number += 1)
    await chat.asked(`Question ${number}`, "x".repeat(1024 * 1024));
  chat.server.generation = 2;
  await chat.asked("And?", "No.");
  assert.equal(chat.server.asked.at(-1)?.history?.length, 3);
});

test("what no JSON may have is not sent", async () => {
  const chat = new Chat();
  await chat.asked("a\0b\ud800c😀", "Yes.");
  assert.equal(chat.server.asked[0]?.text, "ab\ufffdc😀");
});

test("the model that the user has chosen, and the task of a command, are asked for", async () => {
  const chat = new Chat();
  chat.conversation.model = "auto:cheap";
  const end = chat.conversation.ask({ text: "Why?", attached: [], task: "explain" });
  await chat.server.answer("So.");
  await end;
  assert.equal(chat.server.asked[0]?.model, "auto:cheap");
  assert.equal(chat.server.asked[0]?.task, "explain");
});

test("a conversation of the server is taken over without what was asked again", async () => {
  const chat = new Chat();
  chat.conversation.load({
    id: "x",
    title: "t",
    turns: [
      { id: "1", question: "What?", answer: "A square.", cost: cost("1") },
      { id: "2", question: "What?", answer: "A circle.", replaces: "1", finishReason: "cancelled" },
    ],
  });
  assert.deepEqual(
    chat.conversation.turns.map((turn) => [turn.id, turn.state, turn.hint]),
    [["2", "stopped", null]],
  );
  assert.equal(chat.conversation.replaced[0]?.cost?.usd, "1");
  await chat.asked("And?", "Yes.");
  assert.equal(chat.server.asked[0]?.history, undefined, "it is the one that knows");
});

test("events of turns that it does not have are nothing", () => {
  const chat = new Chat();
  chat.conversation.hear("another", { type: "text", text: "x" });
  assert.deepEqual(chat.heard, []);
});
