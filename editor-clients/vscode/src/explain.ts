/** Shows why the last suggestion, or an answer, was what it was: as plain text in an editor that nobody can type in. */
import * as vscode from "vscode";
import { explanation } from "./explanation";
import { tellFailure } from "./notice";
import type { CostShape, ExplainResult, RouteShape, UsageShape } from "./protocol";
import { failureOf } from "./server/failure";
import type { Server } from "./server/server";

const SCHEME = "farebox-explanation";
const PAGE = vscode.Uri.from({ scheme: SCHEME, path: "Why" });

/** What is known here of an answer, whether or not the server knows it still. */
type Known = {
  readonly id: string;
  readonly route: RouteShape | null;
  readonly usage: UsageShape | null;
  readonly cost: CostShape | null;
};

class Explanations implements vscode.TextDocumentContentProvider {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private text = "";
  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(): string {
    return this.text;
  }

  async show(answer: ExplainResult): Promise<void> {
    this.text = explanation(answer);
    this.changed.fire(PAGE);
    await vscode.window.showTextDocument(PAGE, { preview: true, viewColumn: vscode.ViewColumn.Active });
  }
}

const explanations = new Explanations();

/** Explains the last suggestion or answer, or the one with an id. */
export async function showExplanation(server: Server, id?: string, known?: Known | null): Promise<void> {
  try {
    await explanations.show(await server.call("explain", id === undefined ? {} : { id }));
  } catch (error) {
    // Another server has answered it: where it went, its turn still says.
    if (known?.route) return explanations.show(remembered(known, known.route));
    throw error;
  }
}

function remembered({ id, usage, cost }: Known, route: RouteShape): ExplainResult {
  return { id, kind: "turn", reason: route.reason, shown: true, accepted: false, route, usage, cost };
}

/** Registers the command that explains the last suggestion or answer. */
export function registerExplain(server: Server): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, explanations),
    vscode.commands.registerCommand("farebox.explainLast", async () => {
      try {
        await showExplanation(server);
      } catch (error) {
        await tellFailure(failureOf(error));
      }
    }),
  );
}
