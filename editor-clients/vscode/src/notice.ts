/** Messages to the user: one for each thing that is wrong, with a button for what to do about it. */
import * as vscode from "vscode";
import { unlinked } from "./plain";
import type { Failure, Kind } from "./server/failure";

type Action = { readonly title: string; readonly command: string; readonly arguments?: readonly unknown[] };

const ADD_KEY: Action = { title: "Add a Key", command: "farebox.addKey" };
const CHOOSE_MODEL: Action = { title: "Choose the Model", command: "farebox.chooseChatModel" };
const COSTS: Action = { title: "Show Costs", command: "farebox.showCosts" };
const LOG: Action = { title: "Show the Log", command: "farebox.showLog" };
const RESTART: Action = { title: "Restart", command: "farebox.restartServer" };
const INSTALL: Action = { title: "Install", command: "farebox.installServer" };
const EXAMINE: Action = { title: "Examine the Set-Up", command: "farebox.examine" };
const NAME_COMMAND: Action = {
  title: "Name Its Command",
  command: "workbench.action.openSettings",
  arguments: ["farebox.server.command"],
};

const ACTIONS: Partial<Record<Kind, readonly Action[]>> = {
  missingKey: [ADD_KEY],
  keyRejected: [ADD_KEY],
  insufficientCredits: [CHOOSE_MODEL, ADD_KEY],
  rateLimited: [CHOOSE_MODEL],
  overloaded: [CHOOSE_MODEL],
  modelNotFound: [CHOOSE_MODEL],
  contextTooLong: [CHOOSE_MODEL],
  budgetExceeded: [COSTS],
  noRouteLeft: [CHOOSE_MODEL, EXAMINE],
  config: [EXAMINE],
  serverEnded: [RESTART, LOG],
  noServer: [INSTALL, NAME_COMMAND],
};

/** Returns what a user may do about a kind of failure, most likely first. */
export function actionsFor(kind: Kind): readonly Action[] {
  return ACTIONS[kind] ?? [];
}

/** A message is made of foreign words, too; a hint with a link is our own. */
function sentence(failure: Failure): string {
  const message = `farebox: ${unlinked(failure.message)}`;
  return failure.hint === null ? message : `${message.replace(/[.\s]*$/, "")}. ${failure.hint}`;
}

/** Says what went wrong, unless a message has said it already or the user has wanted it. */
export async function tellFailure(failure: Failure): Promise<void> {
  if (failure.isTold || failure.kind === "cancelled") return;
  const actions = actionsFor(failure.kind);
  const chosen = await vscode.window.showErrorMessage(sentence(failure), ...actions.map((one) => one.title));
  const action = actions.find((one) => one.title === chosen);
  if (action) await vscode.commands.executeCommand(action.command, ...(action.arguments ?? []));
}

/** Says something that is not wrong. */
export function tell(message: string): void {
  void vscode.window.showInformationMessage(`farebox: ${unlinked(message)}`);
}

/** Says something that the user may not have wanted. */
export function warn(message: string): void {
  void vscode.window.showWarningMessage(`farebox: ${unlinked(message)}`);
}
