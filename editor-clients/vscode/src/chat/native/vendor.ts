/** Offers farebox's models to VS Code's Chat view and to other extensions, which VS Code asks the user about. */
import * as vscode from "vscode";
import { type Failure, failureOf } from "../../server/failure";
import type { Server } from "../../server/server";
import { answer } from "./answer";
import { estimatedTokens, imageOf, type ListedModel, listed, type Message, questionOf } from "./messages";

export const VENDOR = "farebox";

/** What it needs of the server. */
export type Offering = Pick<Server, "call" | "onChatEvent" | "onReady" | "onStatus">;

export function registerVendor(server: Offering): vscode.Disposable {
  const models = new Models(server);
  const registered = vscode.lm.registerLanguageModelChatProvider(VENDOR, models);
  models.resolve();
  return vscode.Disposable.from(registered, models);
}

class Models implements vscode.LanguageModelChatProvider<ListedModel>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly listeners: readonly vscode.Disposable[];
  private state = "";

  readonly onDidChangeLanguageModelChatInformation = this.changed.event;

  constructor(private readonly server: Offering) {
    this.listeners = [
      server.onReady(() => this.refresh()),
      server.onStatus(({ state }) => {
        if (state === "busy" || state === this.state) return;
        this.state = state; // a key has come, or gone
        this.refresh();
      }),
    ];
  }

  /** Lets VS Code ask for the models now: before it has, its Chat view knows of none, and no participant is asked. */
  resolve(): void {
    vscode.lm.selectChatModels({ vendor: VENDOR }).then(undefined, () => {});
  }

  dispose(): void {
    for (const one of [...this.listeners, this.changed]) one.dispose();
  }

  async provideLanguageModelChatInformation(
    _options: vscode.PrepareLanguageModelChatModelOptions,
    token: vscode.CancellationToken,
  ): Promise<ListedModel[]> {
    try {
      const { models } = await this.server.call("models", {}, token);
      return [...listed(models)];
    } catch {
      return []; // what is wrong is told where the server is
    }
  }

  async provideLanguageModelChatResponse(
    model: ListedModel,
    messages: readonly vscode.LanguageModelChatRequestMessage[],
    _options: vscode.ProvideLanguageModelChatResponseOptions,
    progress: vscode.Progress<vscode.LanguageModelResponsePart>,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const question = questionOf(messages.map(messageOf));
    if (question === null) throw new Error("farebox: there is no question");
    const report = (text: string) => progress.report(new vscode.LanguageModelTextPart(text));
    try {
      await answer(this.server, { ...question, model: model.id }, report, token);
    } catch (error) {
      throw refusal(failureOf(error));
    }
  }

  provideTokenCount(
    _model: ListedModel,
    text: string | vscode.LanguageModelChatRequestMessage,
  ): Promise<number> {
    return Promise.resolve(estimatedTokens(typeof text === "string" ? text : messageOf(text).text));
  }

  private refresh(): void {
    this.changed.fire();
    this.resolve();
  }
}

function messageOf({ role, content }: vscode.LanguageModelChatRequestMessage): Message {
  const isAnswer = role === vscode.LanguageModelChatMessageRole.Assistant;
  return {
    role: isAnswer ? "assistant" : "user",
    text: content.map(textOf).join(""),
    images: content.flatMap((part) => {
      const image = part instanceof vscode.LanguageModelDataPart ? imageOf(part.mimeType, part.data) : null;
      return image ? [image] : [];
    }),
  };
}

/** Returns the text of a part; a tool's result is what it says, and nothing else has one. */
function textOf(part: unknown): string {
  if (part instanceof vscode.LanguageModelTextPart) return part.value;
  if (part instanceof vscode.LanguageModelToolResultPart) return part.content.map(textOf).join("");
  return "";
}

/** Returns the error that VS Code and other extensions understand. */
function refusal(failure: Failure): Error {
  const message = failure.hint === null ? failure.message : `${failure.message}. ${failure.hint}`;
  switch (failure.kind) {
    case "modelNotFound":
      return vscode.LanguageModelError.NotFound(message);
    case "missingKey":
    case "keyRejected":
      return vscode.LanguageModelError.NoPermissions(message);
    case "budgetExceeded":
    case "insufficientCredits":
    case "excluded":
    case "localOnly":
      return vscode.LanguageModelError.Blocked(message);
    default:
      return new Error(message);
  }
}
