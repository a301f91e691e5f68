import assert from "node:assert/strict";
import { test } from "node:test";
import { explanation } from "../../src/explanation";
import type { ExplainResult } from "../../src/protocol";
import { cost, ROUTE, USAGE } from "./scriptedServer";

const ANSWER: ExplainResult = {
  id: "1",
  kind: "turn",
  reason: "an easy question",
  shown: true,
  accepted: false,
  route: {
    ...ROUTE,
    evidence: ["regenerated"],
    attempts: [{ model: "a/b", provider: "a", outcome: "overloaded", ms: 375 }],
    candidates: [
      { model: "a/b", provider: "a", verdict: "chosen", why: "the first", estimatedUsd: "0.01" },
      { model: "c/dddd", provider: "c", verdict: "dropped", why: "no key", estimatedUsd: null },
      { model: "e/f", provider: "e", verdict: "dropped", why: "no key", estimatedUsd: null },
    ],
  },
  usage: { ...USAGE, cachedInputTokens: 5 },
  cost: { ...cost("0.000213"), baseline: "x/y", baselineUsd: "0.01", savedUsd: "0.009787" },
  firstTokenMs: 375,
  totalMs: 2400,
};

test("an explanation of an answer says where it went, why, and what it cost", () => {
  assert.equal(
    explanation(ANSWER),
    `An answer of the chat

Why        an easy question
Model      openrouter/openai/gpt-4o-mini, sold by openrouter
Asked for  auto, strategy balanced
Task       chat, for want of a better one; low complexity, fast tier
Lifted by  regenerated
Tokens     20 in (5 of them cached), 4 out
Cost       $0.000213, as the provider has reported it
Saved      $0.009787 of the $0.01 that x/y would have cost
Time       first token after 375 ms, whole after 2.4 s

Tried
  overloaded  a/b  after 375 ms

Considered: the first
  chosen  a/b  at most $0.01

Considered: no key
  dropped  c/dddd
  dropped  e/f
`,
  );
});

test("what is not known of a suggestion is left out", () => {
  const silent = {
    id: "1",
    kind: "completion",
    reason: "in a comment",
    shown: false,
    accepted: false,
  } as const;
  assert.equal(
    explanation({ ...silent, silence: "comment", waitedMs: 12 }),
    "No suggestion\n\nWhy        in a comment\nSilence    comment\nTime       the editor waited 12 ms\n",
  );
  const heads = [
    { ...silent, shown: true, accepted: true },
    { ...silent, shown: true },
    { ...silent, source: "cache", cost: cost(null, "unknown"), waitedMs: 0 },
  ].map((answer) => explanation(answer).split("\n"));
  assert.deepEqual(
    heads.map(([first]) => first),
    [
      "A suggestion, which was accepted",
      "A suggestion, which was shown",
      "A suggestion, which was not shown",
    ],
  );
  assert.deepEqual(heads[2]?.slice(3), ["Source     cache", "Cost       unknown: no price is known", ""]);
});

test("what others say stays in its row", () => {
  const told = explanation({ ...ANSWER, reason: "one\ntwo\u001b[31m" });
  assert(told.includes("Why        one two[31m\n"));
});
