/** What VS Code and other extensions see of farebox's models: lists them, asks one, and switches them on and off. */
import * as vscode from "vscode";

function say(what: string, value: unknown): void {
  console.log(JSON.stringify({ what, value }));
}

export async function run(): Promise<void> {
  await vscode.extensions.getExtension("farebox.farebox")?.activate();
  const before = await models();
  say("before", listed(before));
  if (before.length === 0) return switchOnAndOff();
  const model = before.find((one) => one.id === "auto");
  if (model) await ask(model);
}

async function switchOnAndOff(): Promise<void> {
  await choose(true);
  say("offered", listed(await until(models, (found) => found.length > 0)));
  await choose(false);
  say("after", listed(await until(models, (found) => found.length === 0)));
}

async function ask(model: vscode.LanguageModelChat): Promise<void> {
  const { User, Assistant } = vscode.LanguageModelChatMessage;
  const question = [
    User("One?"),
    Assistant("1"),
    User("<context>a file</context><userRequest>Two?</userRequest>"),
  ];
  say("tokens", await model.countTokens("a".repeat(40)));
  const response = await model.sendRequest(question, { justification: "a test" });
  let text = "";
  for await (const part of response.text) text += part;
  say("answer", text);
  try {
    const refused = await model.sendRequest([User("Once more?")]);
    for await (const part of refused.text) text += part;
  } catch (error) {
    say("refused", error instanceof Error ? error.message : String(error));
  }
  const source = new vscode.CancellationTokenSource();
  const stopped = await model.sendRequest([User("For ever?")], {}, source.token);
  let begun = "";
  try {
    for await (const part of stopped.text) {
      begun += part;
      source.cancel();
    }
  } catch {
    // it was stopped
  }
  say("stopped", begun);
}

async function models(): Promise<readonly vscode.LanguageModelChat[]> {
  return vscode.lm.selectChatModels({ vendor: "farebox" });
}

function listed(found: readonly vscode.LanguageModelChat[]): readonly unknown[] {
  return found.map(({ id, vendor }) => ({ id, vendor }));
}

async function choose(isOn: boolean): Promise<void> {
  await vscode.workspace
    .getConfiguration("farebox")
    .update("chat.native", isOn, vscode.ConfigurationTarget.Global);
}

/** Asks again at every event that may have changed the answer, until it is as wanted. */
async function until<Value>(read: () => Promise<Value>, isWanted: (value: Value) => boolean): Promise<Value> {
  const found = await read();
  if (isWanted(found)) return found;
  await new Promise<void>((resolve) => {
    const listener = vscode.lm.onDidChangeChatModels(() => {
      listener.dispose();
      resolve();
    });
    setTimeout(() => {
      listener.dispose();
      resolve();
    }, 500);
  });
  return until(read, isWanted);
}
