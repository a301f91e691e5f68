/** One proposed change of one document: what it would become, also when it is edited meanwhile. It knows no tab. */
import * as vscode from "vscode";
import { line } from "../plain";
import { linesOf, proposedLines } from "./change";
import type { Span } from "./code";
import { editsBetween, followed, type Merged, merged } from "./hunks";
import { SCHEME } from "./tabs";

let count = 0;

function eolOf(document: vscode.TextDocument): string {
  return document.eol === vscode.EndOfLine.CRLF ? "\r\n" : "\n";
}

/** Returns what people call a document. */
export function nameOf(uri: vscode.Uri): string {
  return line(uri.path.split("/").at(-1) ?? "") || "the document";
}

/** A virtual file of the same name: VS Code shows it in the same language. */
function newUri(document: vscode.Uri): vscode.Uri {
  count += 1;
  const path = document.path.startsWith("/") ? document.path : `/${document.path}`;
  return vscode.Uri.from({ scheme: SCHEME, path, query: String(count) });
}

export class Proposal {
  readonly uri: vscode.Uri;
  private readonly base: readonly string[];
  private readonly proposed: readonly string[];
  /** It is being put into the document. */
  isApplied = false;

  constructor(
    readonly document: vscode.TextDocument,
    private readonly code: string,
    private readonly range: Span | null,
    cursor: number | null,
  ) {
    this.uri = newUri(document.uri);
    this.base = linesOf(document.getText());
    this.proposed = proposedLines(this.base, code, {
      range: range ?? undefined,
      cursor: cursor ?? undefined,
    });
  }

  get name(): string {
    return nameOf(this.document.uri);
  }

  /** Says whether the document had all of this from the start. */
  get isNothing(): boolean {
    return editsBetween(this.base, this.proposed, "\n").length === 0;
  }

  /** Returns what the document would be now. */
  text(): string {
    return this.merged().lines.join(eolOf(this.document));
  }

  /** Returns the document's lines as they would be now, and how many changes no longer fit. */
  merged(): Merged {
    return merged(this.base, this.proposed, linesOf(this.document.getText()));
  }

  /** Returns the edits that make it so. */
  edits(): readonly vscode.TextEdit[] {
    const edits = editsBetween(linesOf(this.document.getText()), this.merged().lines, eolOf(this.document));
    return edits.map(({ start, end, text }) => {
      const range = new vscode.Range(start.line, start.character, end.line, end.character);
      return vscode.TextEdit.replace(range, text);
    });
  }

  /** Returns a proposal of the same code in the document as it is now: what was edited meanwhile may go. */
  anew(): Proposal {
    const now = linesOf(this.document.getText());
    const range = this.range && followed(this.range, this.base, now);
    return new Proposal(this.document, this.code, range, null);
  }
}
