import assert from "node:assert/strict";
import { test } from "node:test";
import { Conversation } from "../../src/chat/conversation";
import { html } from "../../src/chat/html";
import { shownChat } from "../../src/chat/shown";
import { Failure } from "../../src/server/failure";
import { attachment, ScriptedServer } from "./scriptedServer";

const SILENT = { turn: () => {}, text: () => {}, removed: () => {} };
const ACTIONS = () => [{ title: "Add a Key", command: "farebox.addKey", arguments: ["x"] }];

test("the page may load its own script and style, and nothing else", () => {
  const page = html({
    cspSource: "https://own",
    nonce: "abc",
    script: "https://own/chat.js",
    style: "https://own/chat.css",
  });
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
  assert.equal(
    policy,
    "default-src 'none'; style-src https://own; script-src 'nonce-abc'; font-src https://own; img-src https://own",
  );
  assert.doesNotMatch(page, /unsafe|style=|onload/);
  assert.deepEqual(page.match(/<script[^>]*>/g), ['<script nonce="abc" src="https://own/chat.js">']);
});

test("a path of any name stays within its attribute", () => {
  const page = html({ cspSource: "s", nonce: "n", script: 'a"><script>x', style: "a&b" });
  assert(page.includes('src="a&quot;>&lt;script>x"'));
  assert(page.includes('href="a&amp;b"'));
});

test("a chat is shown with its turns, what waits for the next question, and what it cost", async () => {
  const server = new ScriptedServer();
  const conversation = new Conversation(server, SILENT);
  const end = conversation.ask({ text: "What?", attached: [attachment("a.py:3")], task: null });
  await server.answer("So.");
  await end;
  const { turns, bar } = shownChat(conversation, [attachment("b.py")], ACTIONS);
  assert.deepEqual(bar, { model: null, spent: "$0.00021", pending: [{ id: "b.py", label: "b.py" }] });
  assert.deepEqual(
    turns.map(({ id, footer, ...turn }) => [footer[1], turn]),
    [
      [
        "20 in, 4 out",
        { question: "What?", attached: ["a.py:3"], answer: "So.", state: "done", hint: null, failure: null },
      ],
    ],
  );
});

test("a failure is shown with its hint and what to do, and a cut answer says to ask again", async () => {
  const server = new ScriptedServer();
  const conversation = new Conversation(server, SILENT);
  const first = conversation.ask({ text: "One?", attached: [], task: null });
  await server.refuse(new Failure("missingKey", "there is no key", "Add one."));
  await first;
  const second = conversation.ask({ text: "Two?", attached: [], task: null });
  await server.arrived(2);
  conversation.hear(conversation.running?.id ?? "", { type: "text", text: "It is" });
  await server.refuse(new Failure("serverEnded", "the server has ended"));
  await second;
  const shown = shownChat(conversation, [], ACTIONS).turns.map((turn) => turn.failure);
  const actions = [{ title: "Add a Key", command: "farebox.addKey" }];
  assert.deepEqual(shown, [
    { message: "there is no key", hint: "Add one.", actions },
    { message: "the server has ended", hint: "Ask again.", actions },
  ]);
});
