/** The command that examines the set-up: what the server's doctor has found, in a tab. */
import * as vscode from "vscode";
import { page } from "./examination";
import { tellFailure } from "./notice";
import { failureOf } from "./server/failure";
import type { Server } from "./server/server";

const SCHEME = "farebox-examination";
const PAGE = vscode.Uri.from({ scheme: SCHEME, path: "/farebox: the set-up.md" });

class Doctor implements vscode.Disposable, vscode.TextDocumentContentProvider {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private text = "";

  readonly onDidChange = this.changed.event;

  constructor(private readonly server: Server) {}

  provideTextDocumentContent(): string {
    return this.text;
  }

  async examine(): Promise<void> {
    const shown = {
      location: vscode.ProgressLocation.Notification,
      title: "farebox: examining the set-up",
      cancellable: true,
    };
    try {
      const ask = (_: unknown, token: vscode.CancellationToken) => this.server.call("doctor", {}, token);
      const { checks } = await vscode.window.withProgress(shown, ask);
      this.text = page(checks, facts());
      this.changed.fire(PAGE);
      await show();
    } catch (error) {
      await tellFailure(failureOf(error));
    }
  }

  dispose(): void {
    this.changed.dispose();
  }
}

function facts(): Parameters<typeof page>[1] {
  const version: unknown = vscode.extensions.getExtension("farebox.farebox")?.packageJSON.version;
  return {
    extension: String(version ?? "unknown"),
    editor: `${vscode.env.appName} ${vscode.version}`,
    isTrusted: vscode.workspace.isTrusted,
  };
}

/** An editor without the built-in preview shows the text. It may have one that is not active yet, and so not in a list. */
async function show(): Promise<void> {
  try {
    await vscode.commands.executeCommand("markdown.showPreview", PAGE);
    return;
  } catch {
    // there is none
  }
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(PAGE));
}

/** Registers the command that examines the set-up. */
export function registerDoctor(server: Server): vscode.Disposable {
  const doctor = new Doctor(server);
  return vscode.Disposable.from(
    doctor,
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, doctor),
    vscode.commands.registerCommand("farebox.examine", () => doctor.examine()),
  );
}
