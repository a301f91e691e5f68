/** All that a user may do, those first that are likely by how farebox stands. Pure. */
import type { Standing } from "./status/status";

export type Action = {
  readonly title: string;
  readonly icon: string;
  readonly command: string;
  readonly arguments?: readonly unknown[];
};

export type Group = { readonly title: string; readonly actions: readonly Action[] };

export type Situation = { readonly standing: Standing; readonly isPaused: boolean };

const INSTALL: Action = {
  title: "Install the Server",
  icon: "cloud-download",
  command: "farebox.installServer",
};
const RESTART: Action = { title: "Restart the Server", icon: "refresh", command: "farebox.restartServer" };
const LOG: Action = { title: "Show the Log", icon: "output", command: "farebox.showLog" };
const EXAMINE: Action = { title: "Examine the Set-Up", icon: "checklist", command: "farebox.examine" };
const COSTS: Action = { title: "Show Costs", icon: "graph", command: "farebox.showCosts" };
const ADD_KEY: Action = { title: "Add a Key", icon: "key", command: "farebox.addKey" };
const REMOVE_KEY: Action = { title: "Remove a Key", icon: "trash", command: "farebox.removeKey" };
const OPEN: Action = { title: "Open Chat", icon: "comment-discussion", command: "farebox.openChat" };
const NEW: Action = { title: "New Chat", icon: "add", command: "farebox.newChat" };
const HISTORY: Action = { title: "Show Earlier Chats", icon: "history", command: "farebox.showHistory" };
const WHY: Action = {
  title: "Why This Suggestion, or None?",
  icon: "question",
  command: "farebox.explainLast",
};
const MODEL: Action = {
  title: "Choose the Model of a Task",
  icon: "symbol-constant",
  command: "farebox.chooseModel",
};
const PAUSE: Action = { title: "Pause Ghost Text", icon: "debug-pause", command: "farebox.togglePause" };
const RESUME: Action = { title: "Resume Ghost Text", icon: "debug-start", command: "farebox.togglePause" };
const SETTINGS: Action = {
  title: "Open the Settings",
  icon: "gear",
  command: "workbench.action.openSettings",
  arguments: ["@ext:farebox.farebox"],
};
const BEGIN: Action = {
  title: "Begin with farebox",
  icon: "book",
  command: "workbench.action.openWalkthrough",
  arguments: ["farebox.farebox#start"],
};

/** Returns the actions in groups; what helps with what is wrong is the first. No action is in two of them. */
export function groups(situation: Situation): readonly Group[] {
  if (situation.standing.phase === "off") {
    return [
      { title: "the server", actions: [INSTALL, RESTART, LOG] },
      { title: "set-up", actions: [ADD_KEY, REMOVE_KEY, SETTINGS, BEGIN] },
    ];
  }
  const first: Group = { title: "what may help", actions: helping(situation) };
  const others: readonly Group[] = [
    { title: "chat", actions: [OPEN, NEW, HISTORY] },
    { title: "ghost text", actions: [situation.isPaused ? RESUME : PAUSE, WHY] },
    { title: "costs and models", actions: [COSTS, MODEL] },
    { title: "set-up", actions: [ADD_KEY, REMOVE_KEY, EXAMINE, SETTINGS, BEGIN] },
    { title: "the server", actions: [RESTART, INSTALL, LOG] },
  ];
  const all = [first, ...others.map((group) => without(group, first.actions))];
  return all.filter((group) => group.actions.length > 0);
}

function helping({ standing, isPaused }: Situation): readonly Action[] {
  switch (standing.said?.state) {
    case "error":
    case "offline":
      return [EXAMINE, ADD_KEY];
    case "budget":
      return [COSTS, SETTINGS];
    case "inactive":
      return isPaused ? [RESUME] : [WHY, ADD_KEY, EXAMINE];
    case "ready":
    case "busy":
    case undefined:
      return [];
  }
}

function without(group: Group, actions: readonly Action[]): Group {
  return { ...group, actions: group.actions.filter((one) => !actions.includes(one)) };
}
