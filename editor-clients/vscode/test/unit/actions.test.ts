import assert from "node:assert/strict";
import { test } from "node:test";
import manifest from "../../package.json";
import { groups, type Situation } from "../../src/actions";
import type { StatusParams } from "../../src/protocol";
import { next, STARTING } from "../../src/status/status";

function situation(state: StatusParams["state"], isPaused = false): Situation {
  const params: StatusParams = { state, message: state, todayUsd: "0.00" };
  return { standing: next(STARTING, { type: "told", params }), isPaused };
}

const OFF: Situation = { standing: next(STARTING, { type: "ended", why: "no server" }), isPaused: false };
const STATES = ["ready", "busy", "offline", "budget", "error", "inactive"] as const;
const ALL = [OFF, ...STATES.flatMap((state) => [situation(state), situation(state, true)])];

function titles(one: Situation): readonly string[] {
  return groups(one).flatMap((group) => group.actions.map((action) => action.title));
}

test("no action is offered twice, and no group is empty", () => {
  for (const one of ALL) {
    assert.equal(new Set(titles(one)).size, titles(one).length);
    assert.ok(groups(one).every((group) => group.actions.length > 0));
  }
});

test("what helps with what is wrong comes first", () => {
  const first = (one: Situation) => titles(one)[0];
  assert.equal(first(OFF), "Install the Server");
  assert.equal(first(situation("error")), "Examine the Set-Up");
  assert.equal(first(situation("budget")), "Show Costs");
  assert.equal(first(situation("inactive", true)), "Resume Ghost Text");
  assert.equal(first(situation("ready")), "Open Chat");
});

test("without a key, which is no breakdown, one may be added", () => {
  assert.deepEqual(
    groups(situation("inactive"))[0]?.actions.map((action) => action.command),
    ["farebox.explainLast", "farebox.addKey", "farebox.examine"],
  );
});

test("ghost text that rests is resumed, and else paused", () => {
  assert.ok(titles(situation("ready", true)).includes("Resume Ghost Text"));
  assert.ok(titles(situation("ready")).includes("Pause Ghost Text"));
});

test("every command of ours that is offered is one of the manifest", () => {
  const known = new Set(manifest.contributes.commands.map((one) => one.command));
  const offered = ALL.flatMap((one) =>
    groups(one).flatMap((group) => group.actions.map((action) => action.command)),
  );
  assert.deepEqual(
    [...new Set(offered)].filter((command) => command.startsWith("farebox.") && !known.has(command)),
    [],
  );
});
