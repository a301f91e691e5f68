/** The tabs that show proposals as differences: which there are, and which one the user is in. */
import * as vscode from "vscode";

export const SCHEME = "farebox-proposal";

/** Returns the proposal that a tab shows; null if it shows none. */
export function proposalIn(tab: vscode.Tab | undefined): vscode.Uri | null {
  const isOurs = tab?.input instanceof vscode.TabInputTextDiff && tab.input.modified.scheme === SCHEME;
  return isOurs ? tab.input.modified : null;
}

/** Returns the tabs that show a proposal; without one, those that show any. */
export function tabsOf(proposal?: vscode.Uri): readonly vscode.Tab[] {
  const all = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  return all.filter((tab) => {
    const shown = proposalIn(tab);
    return shown !== null && (proposal === undefined || shown.toString() === proposal.toString());
  });
}

/** Returns the proposal that the user is looking at. */
export function activeProposal(): vscode.Uri | null {
  return proposalIn(vscode.window.tabGroups.activeTabGroup.activeTab);
}

export async function closeTabs(tabs: readonly vscode.Tab[]): Promise<void> {
  if (tabs.length > 0) await vscode.window.tabGroups.close(tabs);
}
