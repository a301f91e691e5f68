/** The list of all actions, which the status item opens when something is wrong. */
import * as vscode from "vscode";
import { type Action, groups, type Situation } from "./actions";
import { line } from "./plain";
import { messageOf } from "./status/status";

type Item = vscode.QuickPickItem & { readonly action?: Action };

function itemsOf(situation: Situation): readonly Item[] {
  return groups(situation).flatMap((group) => [
    { label: group.title, kind: vscode.QuickPickItemKind.Separator },
    ...group.actions.map((action) => ({ label: `$(${action.icon}) ${action.title}`, action })),
  ]);
}

async function show(situation: Situation): Promise<void> {
  const options = { title: "farebox", placeHolder: line(messageOf(situation.standing)) };
  const chosen = await vscode.window.showQuickPick(itemsOf(situation), options);
  if (!chosen?.action) return;
  await vscode.commands.executeCommand(chosen.action.command, ...(chosen.action.arguments ?? []));
}

/** Registers the command that shows all actions, by how farebox stands then. */
export function registerMenu(situation: () => Situation): vscode.Disposable {
  return vscode.commands.registerCommand("farebox.showMenu", () => show(situation()));
}
