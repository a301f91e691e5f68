/** Lets the user choose what goes with the next question. */
import * as vscode from "vscode";
import { label } from "../plain";
import type { Attachment } from "./attachment";
import { type Attachments, nameOf } from "./attachments";
import type { Source } from "./source";

const MAX_FILES = 2_000;

type Choice = vscode.QuickPickItem & {
  readonly attach: () => Promise<Attachment | null> | Attachment | null;
};

/** Returns what was chosen; null if the user has thought better of it. Throws a Failure if it is not there any more. */
export async function pickAttachment(attachments: Attachments, source: Source): Promise<Attachment | null> {
  const cancel = new vscode.CancellationTokenSource();
  const offered = choices(attachments, nearby(attachments, source), cancel.token);
  const options = { title: "Add to the next question", matchOnDescription: true };
  const chosen = await vscode.window.showQuickPick(offered, options);
  cancel.cancel();
  cancel.dispose();
  return chosen ? chosen.attach() : null;
}

/** Returns what is open: the selection, the problems and the text of where the user was, then other documents. */
function nearby(attachments: Attachments, { document, selection }: Source): readonly Choice[] {
  if (!document) return [];
  const name = label(nameOf(document.uri));
  const problems = vscode.languages.getDiagnostics(document.uri).length;
  return [
    ...(selection
      ? [
          {
            label: "$(selection) Selection",
            description: name,
            attach: () => attachments.ofRange(document, selection),
          },
        ]
      : []),
    { label: "$(file) Current file", description: name, attach: () => attachments.ofDocument(document) },
    ...(problems > 0
      ? [{ label: "$(warning) Problems", description: name, attach: () => attachments.ofProblems(document) }]
      : []),
  ];
}

/** Returns the same and the files of the tabs and of the workspace. */
async function choices(
  attachments: Attachments,
  near: readonly Choice[],
  token: vscode.CancellationToken,
): Promise<readonly Choice[]> {
  const open = vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .flatMap((tab) => (tab.input instanceof vscode.TabInputText ? [tab.input.uri] : []));
  const found = await vscode.workspace.findFiles("**/*", undefined, MAX_FILES, token);
  const unique = new Map([...open, ...found].map((uri) => [uri.toString(), uri]));
  const isOpen = new Set(open.map((uri) => uri.toString()));
  return [
    ...near,
    ...[...unique].map(([key, uri]) => ({
      label: label(nameOf(uri)),
      description: isOpen.has(key) ? "open" : "",
      attach: () => attachments.ofFile(uri),
    })),
  ];
}
