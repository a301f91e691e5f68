/**
 * The code of answers, proposed for documents: each is shown as a difference, which the user accepts or discards.
 * Until then the document stays as it is. Where code belongs is for `placing` to say.
 */
import * as vscode from "vscode";
import { tell, warn } from "../notice";
import { unlinked } from "../plain";
import type { Server } from "../server/server";
import type { Span } from "./code";
import { nameOf, Proposal } from "./proposal";
import { activeProposal, closeTabs, proposalIn, SCHEME, tabsOf } from "./tabs";

const AGAIN = "Propose Again";

export type Outcome = "applied" | "rejected";

export type ProposalRequest = {
  /** The document; null: the one that the user was in last. */
  readonly target: vscode.Uri | null;
  /** The lines that were asked about. */
  readonly range: Span | null;
  readonly code: string;
  /** Whose code it is: the server is told what becomes of it. */
  readonly answer: { readonly conversation: string; readonly turn: string };
};

/** What a review needs of the server. */
type Told = Pick<Server, "call" | "isRunning">;

type Open = { readonly proposal: Proposal; readonly request: ProposalRequest };

export class Review implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly open = new Map<string, Open>();
  private readonly registered: readonly vscode.Disposable[];

  readonly onDidChange = this.changed.event;

  constructor(private readonly server: Told) {
    void closeTabs(tabsOf()); // a window that was loaded again shows them, and nobody knows them any more
    this.registered = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.follow(document)),
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => this.forgetClosed(closed)),
      vscode.commands.registerCommand("farebox.acceptProposal", (uri?: unknown) => this.accept(uri)),
      vscode.commands.registerCommand("farebox.discardProposal", (uri?: unknown) => this.discard(uri)),
    ];
  }

  dispose(): void {
    for (const one of [...this.registered, this.changed]) one.dispose();
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.open.get(uri.toString())?.proposal.text() ?? "";
  }

  /** Shows what a document would be with the code of an answer in it. */
  readonly propose = async (request: ProposalRequest): Promise<void> => {
    const document = await this.documentOf(request);
    if (document === null) return this.report(request, "rejected");
    const proposal = new Proposal(document, request.code, request.range, cursorIn(document));
    if (proposal.isNothing) {
      tell(`${proposal.name} already has this`);
      return this.report(request, "applied");
    }
    await this.show({ proposal, request });
  };

  // --- showing ------------------------------------------------------------------------------------

  /** Returns the document that is to change; null, with a word to the user, if there is none. */
  private async documentOf(request: ProposalRequest): Promise<vscode.TextDocument | null> {
    const uri = request.target ?? lastDocument();
    const refuse = (why: string) => {
      warn(why);
      return null;
    };
    if (uri === null) return refuse("there is no open file that the code could go into");
    if (request.code.trim() === "") return refuse("the code block is empty");
    if (!isWritable(uri)) return refuse(`${nameOf(uri)} cannot be changed`);
    try {
      return await vscode.workspace.openTextDocument(uri);
    } catch {
      return refuse(`${nameOf(uri)} cannot be opened`);
    }
  }

  private async show(shown: Open): Promise<void> {
    const { proposal } = shown;
    const { document, uri } = proposal;
    for (const other of [...this.open.values()]) {
      if (other.proposal.document.uri.toString() === document.uri.toString())
        await this.end(other, "rejected");
    }
    this.open.set(uri.toString(), shown);
    await this.tellContext();
    const right = await vscode.workspace.openTextDocument(uri);
    await vscode.languages.setTextDocumentLanguage(right, document.languageId);
    const title = `${proposal.name}: proposed change`;
    await vscode.commands.executeCommand("vscode.diff", document.uri, uri, title, { preview: false });
  }

  /** Shows what would be now, when the document is edited. */
  private follow(document: vscode.TextDocument): void {
    for (const { proposal } of this.open.values()) {
      if (proposal.document === document && !proposal.isApplied) this.changed.fire(proposal.uri);
    }
  }

  // --- deciding -----------------------------------------------------------------------------------

  private async accept(uri: unknown): Promise<void> {
    const found = this.find(uri);
    if (!found || found.proposal.isApplied) return;
    const { proposal } = found;
    const { kept, dropped } = proposal.merged();
    if (kept === 0) return this.offerAnew(found);
    const edits = proposal.edits();
    proposal.isApplied = true;
    const edit = new vscode.WorkspaceEdit();
    edit.set(proposal.document.uri, [...edits]);
    if (!(await vscode.workspace.applyEdit(edit))) {
      proposal.isApplied = false;
      return warn(`${proposal.name} could not be changed`);
    }
    await showChanged(proposal, edits);
    await this.end(found, "applied");
    if (dropped > 0) warn(`${left(dropped)} because the lines have changed`);
  }

  private async discard(uri: unknown): Promise<void> {
    const found = this.find(uri);
    if (found) await this.end(found, "rejected");
  }

  /** Nothing of it fits any more: says so, and proposes the code again for what is there now if that is wanted. */
  private async offerAnew(found: Open): Promise<void> {
    const message = `farebox: ${found.proposal.name} has changed where the proposal is, and is left as it is.`;
    const chosen = await vscode.window.showWarningMessage(unlinked(message), AGAIN);
    if (chosen !== AGAIN || !this.open.has(found.proposal.uri.toString())) return;
    await this.show({ proposal: found.proposal.anew(), request: found.request });
  }

  /** Returns the proposal that a command is for: the one it names, the one that is looked at, or the newest. */
  private find(uri: unknown): Open | null {
    const asked = uri instanceof vscode.Uri && uri.scheme === SCHEME ? uri : activeProposal();
    const found = asked ? this.open.get(asked.toString()) : [...this.open.values()].at(-1);
    if (!found) tell("there is nothing to review");
    return found ?? null;
  }

  /** A proposal whose last tab the user has closed is rejected. */
  private forgetClosed(tabs: readonly vscode.Tab[]): void {
    for (const tab of tabs) {
      const uri = proposalIn(tab);
      const found = uri && this.open.get(uri.toString());
      if (found && tabsOf(uri).length === 0) void this.end(found, "rejected");
    }
  }

  private async end(ended: Open, outcome: Outcome): Promise<void> {
    const { uri } = ended.proposal;
    if (!this.open.delete(uri.toString())) return;
    this.report(ended.request, outcome);
    await this.tellContext();
    await closeTabs(tabsOf(uri));
  }

  private report({ answer }: ProposalRequest, outcome: Outcome): void {
    if (!this.server.isRunning) return;
    this.server.call("feedback", { ...answer, outcome }).catch(() => {}); // another server has never heard of it
  }

  private async tellContext(): Promise<void> {
    await vscode.commands.executeCommand("setContext", "farebox.isReviewing", this.open.size > 0);
  }
}

/** Registers the commands that accept and discard; `propose` of what it returns shows a change. */
export function registerReview(server: Told): Review {
  return new Review(server);
}

// --- documents -----------------------------------------------------------------------------------

function isWritable(uri: vscode.Uri): boolean {
  return uri.scheme === "untitled" || vscode.workspace.fs.isWritableFileSystem(uri.scheme) === true;
}

/** Returns the document that the user is in, or one that is on the screen. */
function lastDocument(): vscode.Uri | null {
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  const editors = activeTextEditor ? [activeTextEditor, ...visibleTextEditors] : visibleTextEditors;
  return editors.map((editor) => editor.document.uri).find(isWritable) ?? null;
}

function cursorIn(document: vscode.TextDocument): number | null {
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  const editors = activeTextEditor ? [activeTextEditor, ...visibleTextEditors] : visibleTextEditors;
  return editors.find((editor) => editor.document === document)?.selection.active.line ?? null;
}

/** Shows the document where the proposal was, at the first change. */
async function showChanged(proposal: Proposal, edits: readonly vscode.TextEdit[]): Promise<void> {
  const first = edits[0]?.range.start ?? new vscode.Position(0, 0);
  const viewColumn = tabsOf(proposal.uri)[0]?.group.viewColumn;
  const options = { selection: new vscode.Range(first, first), preview: false };
  await vscode.window.showTextDocument(proposal.document, viewColumn ? { ...options, viewColumn } : options);
}

// --- words ---------------------------------------------------------------------------------------

function left(count: number): string {
  return count === 1 ? "one change was left out" : `${count} changes were left out`;
}
