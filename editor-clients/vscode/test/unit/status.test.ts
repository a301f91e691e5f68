import assert from "node:assert/strict";
import { test } from "node:test";
import type { BudgetShape, StatusParams } from "../../src/protocol";
import { LINKED, type News, next, STARTING, type Standing, shown } from "../../src/status/status";

const READY: StatusParams = {
  state: "ready",
  message: "ready",
  model: "openrouter/google/gemini-2.5-flash",
  todayUsd: "0.421337",
};

const DAILY: BudgetShape = {
  name: "daily",
  limitUsd: "5.00",
  spentUsd: "4.20",
  heldUsd: "0.00",
  resetsAt: "2026-11-24T00:00:00+01:00",
  step: "ok",
  percent: 84,
  usedUp: false,
  unchecked: false,
};

function after(...news: readonly News[]): Standing {
  return news.reduce(next, STARTING);
}

function told(params: Partial<StatusParams> = {}): Standing {
  return after({ type: "ready" }, { type: "told", params: { ...READY, ...params } });
}

test("today's spend and the model that served last are shown", () => {
  const item = shown(told(), "costAndModel");
  assert.equal(item.text, "$(tag) $0.42 · gemini-2.5-flash");
  assert.equal(item.label, "farebox: $0.42 today, model gemini-2.5-flash, ready");
  assert.equal(item.severity, "none");
  assert.equal(item.command, "farebox.showCosts");
});

test("without the model it is the spend alone", () => {
  assert.equal(shown(told(), "cost").text, "$(tag) $0.42");
});

test("before anything was told there is the name, and nothing that looks like a sum", () => {
  assert.equal(shown(STARTING, "costAndModel").text, "$(loading~spin) farebox");
  assert.equal(shown(after({ type: "ready" }), "costAndModel").text, "$(tag) farebox");
});

test("while a request runs the item spins, and the model before it stays", () => {
  const busy: StatusParams = { state: "busy", message: "working", todayUsd: "0.42" };
  const standing = next(told(), { type: "told", params: busy });
  assert.equal(shown(standing, "costAndModel").text, "$(loading~spin) $0.42 · gemini-2.5-flash");
});

test("a hidden item comes forth when something is wrong", () => {
  assert.equal(shown(told(), "hidden").isHidden, true);
  assert.equal(shown(told({ state: "offline", message: "unreachable" }), "hidden").isHidden, false);
  assert.equal(shown(told({ budgets: [{ ...DAILY, step: "warn" }] }), "hidden").isHidden, false);
});

for (const step of ["warn", "cheaper", "local", "stop"] as const) {
  test(`a budget at ${step} is a warning, and a click still shows the costs`, () => {
    const item = shown(told({ budgets: [{ ...DAILY, step }] }), "cost");
    assert.equal(item.severity, "warning");
    assert.equal(item.command, "farebox.showCosts");
  });
}

for (const state of ["budget", "error"] as const) {
  test(`the state ${state} is an error, and a click shows what may be done`, () => {
    const item = shown(told({ state, message: "no" }), "cost");
    assert.equal(item.severity, "error");
    assert.equal(item.command, "farebox.showMenu");
  });
}

test("to be without a key is no breakdown: the item stays quiet, and says in its tooltip what to do", () => {
  const message = "no model provider is set up. Set a key such as OPENROUTER_API_KEY.";
  const item = shown(told({ state: "inactive", message, todayUsd: "0.00" }), "cost");
  assert.equal(item.severity, "none");
  assert.equal(item.text, "$(debug-pause) $0.00");
  assert.match(item.tooltip, /no model provider is set up/);
  assert.equal(item.command, "farebox.showMenu");
});

test("without a server the spend stays as it was told last, and the reason is said", () => {
  const standing = next(told(), { type: "ended", why: "the server has ended (exit code 1)" });
  const item = shown(standing, "costAndModel");
  assert.equal(item.text, "$(circle-slash) $0.42");
  assert.equal(item.severity, "error");
  assert.match(item.label, /the server has ended \(exit code 1\)/);
});

test("a server that is back is ready with what was spent", () => {
  const standing = next(next(told(), { type: "ended", why: "gone" }), { type: "ready" });
  assert.equal(shown(standing, "cost").text, "$(tag) $0.42");
  assert.equal(shown(standing, "cost").severity, "none");
});

test("the tooltip has a table of today and each budget", () => {
  const { tooltip } = shown(told({ budgets: [DAILY] }), "cost");
  assert.match(tooltip, /\| today \| \\\$0\\\.42 \| {2}\| {2}\|/);
  assert.match(
    tooltip,
    /\| daily budget \| \\\$4\\\.20 \\\(84 \\%\\\) \| \\\$5\\\.00 \| 2026\\-11\\-24 00\\:00 \|/,
  );
});

test("the tooltip links to nothing but what is allowed there", () => {
  const links = [...shown(told(), "cost").tooltip.matchAll(/\]\(command:([^)]*)\)/g)].map((one) => one[1]);
  assert.deepEqual(links, [...LINKED]);
});

test("foreign words are text in the tooltip, and no picture in the item", () => {
  const evil = "[x](command:evil) ![i](https://evil.example/p.png) <img src=x> | $(bug)\n\n# h";
  const item = shown(
    told({ message: evil, model: evil, budgets: [{ ...DAILY, name: evil }] }),
    "costAndModel",
  );
  assert.ok(!item.text.slice("$(tag)".length).includes("$("));
  assert.ok(!item.tooltip.includes("](command:evil"));
  assert.doesNotMatch(item.tooltip, /(?<!\\)</);
  assert.ok(!item.tooltip.includes("https://"));
  assert.equal(item.tooltip.split("\n").filter((one) => one.startsWith("#")).length, 0);
});
