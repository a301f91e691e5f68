/**
 * Ghost text: VS Code asks, the language client's own feature hands it on, and the server decides. Here is only what an editor must
 * decide itself: where it is wanted, and what became of it.
 */
import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";
import type { Server } from "../server/server";
import { settings } from "../settings";
import { follow, type Shown } from "./uptake";

const ACCEPTED = "farebox.didAcceptCompletionItem";

type Provide = NonNullable<Middleware["provideInlineCompletionItems"]>;
type Answer = Awaited<ReturnType<Provide>>;

/** Follows suggestions from the server to the document, and tells the server what became of them. */
export class Ghosts implements vscode.Disposable {
  private server: Pick<Server, "notify"> | null = null;
  private shown: Shown | null = null;
  private lastTold = "";
  private readonly watch = vscode.workspace.onDidChangeTextDocument((event) => this.changed(event));

  constructor(private readonly onAccepted: () => void) {}

  /** What the language client hands requests and commands through. */
  get middleware(): Middleware {
    return { provideInlineCompletionItems: this.provide, executeCommand: this.execute };
  }

  /** Tells this server from now on. */
  follow(server: Pick<Server, "notify">): void {
    this.server = server;
  }

  private readonly provide: Provide = async (document, position, context, token, next) => {
    if (!isWanted(document, context)) return null;
    const answer = await next(document, position, context, token);
    if (!token.isCancellationRequested) this.note(document, position, answer ?? null);
    return answer ?? null;
  };

  private readonly execute: NonNullable<Middleware["executeCommand"]> = (command, words, next) => {
    if (command === ACCEPTED) {
      this.shown = null;
      this.onAccepted();
    }
    return next(command, words);
  };

  dispose(): void {
    this.watch.dispose();
  }

  /** An answer that nobody has taken back is what the editor shows next. */
  private note(document: vscode.TextDocument, position: vscode.Position, answer: Answer): void {
    const items = Array.isArray(answer) ? answer : (answer?.items ?? []);
    const [first] = items;
    const id: unknown = first?.command?.arguments?.[0];
    if (!first || typeof first.insertText !== "string" || typeof id !== "string") {
      this.shown = null;
      return;
    }
    const { line, character } = position;
    this.shown = { id, uri: document.uri.toString(), text: first.insertText, line, character, accepted: 0 };
    if (this.lastTold !== id) {
      this.lastTold = id;
      this.server?.notify("textDocument/didShowCompletion", { item: itemOf(id) });
    }
  }

  private changed(event: vscode.TextDocumentChangeEvent): void {
    for (const change of event.contentChanges) {
      if (this.shown === null) return;
      const { id } = this.shown;
      const { start } = change.range;
      const uri = event.document.uri.toString();
      const told = {
        uri,
        line: start.line,
        character: start.character,
        replaced: change.rangeLength,
        text: change.text,
      };
      const { shown, partial } = follow(this.shown, told);
      this.shown = shown;
      if (partial === null) continue;
      this.onAccepted();
      const params = { item: itemOf(id), acceptedLength: partial };
      this.server?.notify("textDocument/didPartiallyAcceptCompletion", params);
    }
  }
}

function itemOf(id: string): object {
  return { command: { title: "accepted", command: ACCEPTED, arguments: [id] } };
}

function isWanted(document: vscode.TextDocument, context: vscode.InlineCompletionContext): boolean {
  if (context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke) return true;
  const { trigger, languages } = settings();
  return trigger === "automatic" && (languages[document.languageId] ?? languages["*"] ?? true);
}
