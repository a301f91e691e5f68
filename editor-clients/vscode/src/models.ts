/** Lets the user choose models, for a task or for one chat. What a model can do and costs, the server knows. */
import * as vscode from "vscode";
import { modelLine, ROUTES, TASKS } from "./modelWords";
import { tell, tellFailure } from "./notice";
import { line } from "./plain";
import { failureOf } from "./server/failure";
import type { Server } from "./server/server";

/** The name of a model, or of a route; null: whatever the settings say. */
export type Chosen = { readonly model: string | null };

type Options = {
  readonly title: string;
  /** Whether it can be left to the settings. */
  readonly hasDefault: boolean;
};

type Item = vscode.QuickPickItem & { readonly model: string | null };

/** Returns what was chosen; undefined if the user has thought better of it. Throws a Failure. */
export async function pickModel(server: Server, { title, hasDefault }: Options): Promise<Chosen | undefined> {
  const chosen = await vscode.window.showQuickPick(items(server, hasDefault), {
    title,
    placeHolder: "Prices are dollars for a million tokens",
    matchOnDescription: true,
  });
  return chosen && { model: chosen.model };
}

async function items(server: Server, hasDefault: boolean): Promise<readonly Item[]> {
  const { models } = await server.call("models", {});
  return [
    ...(hasDefault ? [{ label: "Default", description: "as the settings say", model: null }] : []),
    ...ROUTES.map(({ id, words }) => ({ label: id, description: words, model: id })),
    { label: "models", kind: vscode.QuickPickItemKind.Separator, model: null },
    ...models.map((model) => ({ ...modelLine(model), model: model.id })),
  ];
}

async function chooseModel(server: Server): Promise<void> {
  const task = await vscode.window.showQuickPick(TASKS, { title: "Model of which task?" });
  const wanted = TASKS.find((one) => one === task);
  if (!wanted) return;
  const chosen = await pickModel(server, { title: `Model for ${wanted}`, hasDefault: false });
  if (!chosen || chosen.model === null) return;
  await server.call("setModel", { task: wanted, model: chosen.model });
  tell(`${wanted} goes to ${line(chosen.model)} until the server ends`);
}

/** Registers the command that sets the model of a task. */
export function registerModels(server: Server): vscode.Disposable {
  return vscode.commands.registerCommand("farebox.chooseModel", async () => {
    try {
      await chooseModel(server);
    } catch (error) {
      await tellFailure(failureOf(error));
    }
  });
}
