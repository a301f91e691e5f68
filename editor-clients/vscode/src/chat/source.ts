/** The editor that a chat is about: the last one with a text of the user's own that they were in. */
import * as vscode from "vscode";
import { openDocument } from "./attachments";

const OWN_SCHEMES: ReadonlySet<string> = new Set(["file", "untitled", "vscode-notebook-cell"]);

export class Source implements vscode.Disposable {
  private last: vscode.TextEditor | undefined;
  private readonly listener = vscode.window.onDidChangeActiveTextEditor((editor) => this.note(editor));

  constructor() {
    this.note(vscode.window.activeTextEditor);
  }

  /** The document that the user was in, if it is still open. */
  get document(): vscode.TextDocument | undefined {
    return this.last && openDocument(this.last.document.uri);
  }

  /** What is selected there; nothing if no character is. */
  get selection(): vscode.Selection | undefined {
    return this.document && this.last && !this.last.selection.isEmpty ? this.last.selection : undefined;
  }

  /** Shows that editor, if it is not shown any more, and returns it. */
  async editor(): Promise<vscode.TextEditor | undefined> {
    const { document, last } = this;
    if (!document || !last) return undefined;
    if (vscode.window.visibleTextEditors.includes(last)) return last;
    return vscode.window.showTextDocument(document, { selection: last.selection, preserveFocus: true });
  }

  dispose(): void {
    this.listener.dispose();
  }

  private note(editor: vscode.TextEditor | undefined): void {
    if (editor && OWN_SCHEMES.has(editor.document.uri.scheme)) this.last = editor;
  }
}
