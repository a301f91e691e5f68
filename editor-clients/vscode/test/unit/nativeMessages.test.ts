/** Chats of VS Code's own as questions of the protocol. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { earlierTurns } from "../../src/chat/native/history";
import {
  estimatedTokens,
  imageOf,
  listed,
  type Message,
  questionOf,
  unwrapped,
} from "../../src/chat/native/messages";
import type { ModelShape } from "../../src/protocol";

function user(text: string): Message {
  return { role: "user", text, images: [] };
}

function assistant(text: string): Message {
  return { role: "assistant", text, images: [] };
}

test("the last messages are the question, and those before are turns with their answers", () => {
  const asked = questionOf([
    user("You are a cat."),
    user("Hi"),
    assistant("Mew"),
    assistant("Purr"),
    user("Why?"),
  ]);
  assert.equal(asked?.text, "Why?");
  assert.deepEqual(asked?.history, [{ text: "You are a cat.\n\nHi", answer: "Mew\n\nPurr" }]);
});

test("messages that nobody has asked anything with are no question", () => {
  assert.equal(questionOf([]), null);
  assert.equal(questionOf([user("Hi"), assistant("Mew")]), null);
  assert.equal(questionOf([user(" \n")]), null);
});

test("what an editor wraps around the user's words goes with them as an attachment", () => {
  const wrapped = "<context>3 files</context>\n<userRequest>\nFix it\n</userRequest>\nBe brief.";
  const asked = questionOf([user("You are an agent."), user(wrapped)]);
  assert.equal(asked?.text, "Fix it");
  assert.deepEqual(asked?.attachments, [
    { name: "context", text: "You are an agent.\n\n<context>3 files</context>\n\nBe brief." },
  ]);
});

test("words without a wrapper, or in an empty one, stay as they are", () => {
  for (const text of [
    "plain",
    "<userRequest>",
    "<userRequest> </userRequest>",
    "</userRequest><userRequest>",
  ]) {
    assert.deepEqual(unwrapped(text), { text, context: "" });
  }
});

test("no word of a user is lost, whatever the messages are", () => {
  const message = fc.record({
    isUser: fc.boolean(),
    text: fc.constantFrom("", "a", "<userRequest>b</userRequest>", "\0c"),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 8 }), (all) => {
      const messages = all.map(({ isUser, text }) => (isUser ? user(text) : assistant(text)));
      const last = messages.at(-1);
      const asked = questionOf(messages);
      assert.equal(
        asked !== null,
        last !== undefined &&
          messages
            .slice(messages.findLastIndex((one) => one.role === "assistant") + 1)
            .some((one) => one.text.trim() !== ""),
      );
      for (const turn of asked?.history ?? []) assert.ok(turn.text !== "" && turn.answer !== "");
      assert.ok(!JSON.stringify(asked).includes("\\u0000"));
    }),
  );
});

test("pictures go along as the protocol has them, and other data does not", () => {
  assert.deepEqual(imageOf("image/png", new Uint8Array([1, 2, 3])), { mime: "image/png", data: "AQID" });
  assert.equal(imageOf("image/svg+xml", new Uint8Array()), null);
  assert.equal(imageOf("application/json", new Uint8Array()), null);
});

test("tokens are estimated by four characters each, and by fewer beyond ASCII", () => {
  assert.equal(estimatedTokens(""), 0);
  assert.equal(estimatedTokens("a".repeat(40)), 10);
  assert.ok(estimatedTokens("語".repeat(40)) > 20);
});

const MODEL: ModelShape = {
  id: "openrouter/anthropic/claude-sonnet-5.5",
  provider: "openrouter",
  contextWindow: 200_000,
  maxOutputTokens: 64_000,
  inputUsdPerMTok: "3",
  outputUsdPerMTok: "15",
  capabilities: ["images", "tools"],
  state: "ready",
};

test("models that can be asked are listed with their price, and auto before them", () => {
  const models = listed([MODEL, { ...MODEL, id: "openai/gpt", state: "missingKey" }]);
  assert.deepEqual(
    models.map((one) => one.id),
    ["auto", MODEL.id],
  );
  assert.deepEqual(models[1], {
    id: MODEL.id,
    name: MODEL.id,
    family: "claude-sonnet-5.5",
    version: "1",
    detail: "$3.00 in, $15.00 out",
    tooltip: `${MODEL.id}: $3.00 in, $15.00 out · reads 200k`,
    maxInputTokens: 136_000,
    maxOutputTokens: 64_000,
    capabilities: { imageInput: true, toolCalling: false },
  });
});

test("without a model that can be asked nothing is listed", () => {
  assert.deepEqual(listed([{ ...MODEL, state: "keyRejected" }]), []);
});

test("every listed model may be sent something, whatever it tells of itself", () => {
  const size = fc.option(fc.nat(2_000_000));
  fc.assert(
    fc.property(size, size, (contextWindow, maxOutputTokens) => {
      for (const one of listed([{ ...MODEL, contextWindow, maxOutputTokens }]))
        assert.ok(one.maxInputTokens > 0);
    }),
  );
});

test("an earlier answer is sent without our footer, and a question without an answer is not", () => {
  const footer = "\n\n---\n\n*model · free*";
  const turns = earlierTurns([
    { by: "user", text: "one" },
    { by: "farebox", text: `1${footer}`, footer },
    { by: "user", text: "stopped" },
    { by: "farebox", text: "", footer: "" },
    { by: "user", text: "two" },
    { by: "farebox", text: "2", footer: "" },
  ]);
  assert.deepEqual(turns, [
    { text: "one", answer: "1" },
    { text: "two", answer: "2" },
  ]);
});
