/** "Explain" and "Fix" where VS Code offers what may be done about code: both ask in the chat. */
import * as vscode from "vscode";
import { enclosing, explainText, fixText } from "./codeQuestions";
import { tellFailure } from "./notice";
import { failureOf } from "./server/failure";

const ASK = "farebox.askAboutCode";
const EXPLAIN = "Explain with farebox";
const FIX = "Fix with farebox";
const { QuickFix, Empty } = vscode.CodeActionKind;
const DOCUMENTS: vscode.DocumentSelector = [{ scheme: "file" }, { scheme: "untitled" }];

export type CodeQuestion = {
  readonly text: string;
  readonly task: "explain" | "fix";
  readonly uri: vscode.Uri;
  /** The lines to ask about; without them it is the whole document. */
  readonly range?: vscode.Range;
  readonly diagnostics?: readonly vscode.Diagnostic[];
};

export type Ask = (question: CodeQuestion) => Promise<void>;

type Target = {
  readonly task: CodeQuestion["task"];
  readonly document: vscode.TextDocument;
  readonly range: vscode.Range;
  readonly diagnostics: readonly vscode.Diagnostic[];
};

/** Registers the actions. */
export function registerCodeActions(ask: Ask): vscode.Disposable {
  const askAbout = async (target: Target) => {
    try {
      await ask(await questionOf(target));
    } catch (error) {
      await tellFailure(failureOf(error));
    }
  };
  return vscode.Disposable.from(
    vscode.commands.registerCommand(ASK, askAbout),
    vscode.languages.registerCodeActionsProvider(
      DOCUMENTS,
      { provideCodeActions },
      { providedCodeActionKinds: [QuickFix, Empty] },
    ),
  );
}

function provideCodeActions(
  document: vscode.TextDocument,
  range: vscode.Range,
  { diagnostics, triggerKind, only }: vscode.CodeActionContext,
): vscode.CodeAction[] {
  if (!vscode.workspace.isTrusted) return []; // nothing could be asked there
  if (diagnostics.length > 0) {
    return [
      action(FIX, QuickFix, { task: "fix", document, range, diagnostics }),
      action(EXPLAIN, QuickFix, { task: "explain", document, range, diagnostics }),
    ];
  }
  // A selection alone is no reason to show a light bulb: only who opens the menu is offered something.
  const isAsked = triggerKind === vscode.CodeActionTriggerKind.Invoke && only === undefined;
  if (range.isEmpty || !isAsked) return [];
  return [action(EXPLAIN, Empty, { task: "explain", document, range, diagnostics })];
}

function action(title: string, kind: vscode.CodeActionKind, target: Target): vscode.CodeAction {
  const made = new vscode.CodeAction(title, kind);
  made.diagnostics = [...target.diagnostics];
  made.command = { title, command: ASK, arguments: [target] };
  return made;
}

async function questionOf({ task, document, range, diagnostics }: Target): Promise<CodeQuestion> {
  const messages = diagnostics.map((one) => one.message);
  const about = { task, uri: document.uri };
  if (diagnostics.length === 0) return { ...about, text: explainText(messages), range };
  const around = diagnostics.reduce((all, one) => all.union(one.range), range);
  const block = enclosing(await symbolsOf(document.uri), around);
  const text = task === "fix" ? fixText(messages) : explainText(messages);
  return { ...about, text, ...(block ? { range: block } : {}), diagnostics };
}

/** Returns what a document is made up of, as far as some extension knows it. */
async function symbolsOf(uri: vscode.Uri): Promise<readonly vscode.DocumentSymbol[]> {
  const found: unknown = await vscode.commands.executeCommand("vscode.executeDocumentSymbolProvider", uri);
  return Array.isArray(found) ? found.filter((one) => "children" in one) : [];
}
