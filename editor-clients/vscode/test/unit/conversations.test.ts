import assert from "node:assert/strict";
import { test } from "node:test";
import { type Change, Conversations } from "../../src/chat/conversations";
import { attachment, ScriptedServer } from "./scriptedServer";

class Window {
  readonly server = new ScriptedServer();
  readonly changes: Change[] = [];
  readonly conversations = new Conversations(this.server, (change) => this.changes.push(change));

  async asked(text: string): Promise<void> {
    const end = this.conversations.current.conversation.ask({ text, attached: [], task: null });
    await this.server.answer("Yes.");
    await end;
  }
}

test("a new chat is the one that is there, until something was said in it", async () => {
  const { conversations, ...window } = new Window();
  const first = conversations.current;
  conversations.begin();
  assert.equal(conversations.current, first);
  const end = first.conversation.ask({ text: "One?", attached: [], task: null });
  await window.server.answer("Yes.");
  await end;
  conversations.begin();
  assert.deepEqual(conversations.all, [conversations.current, first], "the newest first");
});

test("an answer goes on in a chat that is not shown, and its events find it", async () => {
  const window = new Window();
  const { conversations, server } = window;
  const { conversation } = conversations.current;
  const end = conversation.ask({ text: "One?", attached: [], task: null });
  await server.arrived();
  conversations.begin();
  const turn = conversation.turns[0]?.id ?? "";
  conversations.hear({ conversation: conversation.id, turn, event: { type: "text", text: "Ye" } });
  conversations.hear({ conversation: "another's", turn, event: { type: "text", text: "s" } });
  assert.equal(conversation.turns[0]?.answer, "Ye");
  assert.equal(window.changes.at(-1)?.chat.conversation, conversation);
  conversation.stop();
  await end;
});

test("what is attached goes with one question, and only once", () => {
  const { conversations } = new Window();
  assert(conversations.attach(attachment("a.py")));
  assert(conversations.attach({ ...attachment("b.py"), id: "b" }));
  assert(conversations.attach({ ...attachment("a.py"), id: "again" }));
  conversations.detach("b");
  assert.deepEqual(
    conversations.takePending().map((one) => one.id),
    ["again"],
  );
  assert.deepEqual(conversations.takePending(), []);
});

test("there is room for as many attachments as the server takes", () => {
  const { conversations } = new Window();
  for (let number = 0; number < 64; number += 1) assert(conversations.attach(attachment(`${number}.py`)));
  assert.equal(conversations.attach(attachment("64.py")), false);
});

test("a chat that is deleted stops, lets its attachments go, and another one is shown", async () => {
  const window = new Window();
  const { conversations } = window;
  await window.asked("One?");
  const first = conversations.current;
  conversations.begin();
  const disposed: string[] = [];
  const { conversation } = conversations.current;
  const attached = { ...attachment("a.py"), dispose: () => disposed.push("a.py") };
  const end = conversation.ask({ text: "Two?", attached: [attached], task: null });
  conversations.remove(conversation.id);
  await end;
  assert.equal(conversations.current, first);
  assert.deepEqual(disposed, ["a.py"]);
  conversations.remove(first.conversation.id);
  assert.equal(conversations.current.conversation.turns.length, 0);
});

test("a chat that the server has is taken over once", () => {
  const { conversations } = new Window();
  const found = { id: "x", title: "t", turns: [{ id: "1", question: "What?", answer: "So." }] };
  conversations.load(found);
  const { current } = conversations;
  assert.equal(current.conversation.turns.length, 1);
  conversations.begin();
  conversations.load(found);
  assert.equal(conversations.current, current);
  assert.equal(current.conversation.turns.length, 1);
});
