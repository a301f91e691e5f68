/** `@farebox` in VS Code's Chat view: the same question as in the view of our own, with the same words under it. */
import * as vscode from "vscode";
import { escaped } from "../../markdown";
import { actionsFor } from "../../notice";
import { sendable } from "../../plain";
import type { ChatParams, ChatResult, EarlierTurn } from "../../protocol";
import { type Failure, failureOf } from "../../server/failure";
import { footer } from "../words";
import { type Asking, answer } from "./answer";
import { earlierTurns, type Said } from "./history";
import { VENDOR } from "./vendor";

const ID = "farebox.participant";

export function registerParticipant(server: Asking): vscode.Disposable {
  return vscode.chat.createChatParticipant(ID, async (request, context, stream, token) => {
    try {
      const question = await questionOf(request, context);
      const result = await answer(server, question, (text) => stream.markdown(text), token);
      const words = `\n\n---\n\n${footerOf(result)}`;
      stream.markdown(words);
      return { metadata: { footer: words } };
    } catch (error) {
      return failed(failureOf(error), stream);
    }
  });
}

function failed(failure: Failure, stream: vscode.ChatResponseStream): vscode.ChatResult {
  if (failure.kind === "cancelled") return {};
  for (const { title, command, arguments: words } of actionsFor(failure.kind)) {
    stream.button({ title, command, arguments: [...(words ?? [])] });
  }
  const message = [failure.message, failure.hint]
    .flatMap((words) => (words ? [escaped(words)] : []))
    .join(". ");
  return { errorDetails: { message } };
}

/** Returns what stands under an answer, as in the view of our own. */
function footerOf(result: ChatResult): string {
  return `*${footer({ ...result, state: "done", failure: null })
    .map(escaped)
    .join(" · ")}*`;
}

async function questionOf(request: vscode.ChatRequest, context: vscode.ChatContext): Promise<ChatParams> {
  const attachments = await Promise.all(request.references.map(({ id, value }) => attachmentOf(id, value)));
  const { vendor, id } = request.model;
  return {
    text: sendable(request.prompt),
    history: historyOf(context),
    attachments: attachments.filter((one) => one !== null),
    ...(vendor === VENDOR ? { model: id } : {}),
  };
}

function historyOf(context: vscode.ChatContext): EarlierTurn[] {
  return earlierTurns(context.history.map(saidIn));
}

function saidIn(turn: vscode.ChatRequestTurn | vscode.ChatResponseTurn): Said {
  if (turn instanceof vscode.ChatRequestTurn) return { by: "user", text: turn.prompt };
  const parts = turn.response.filter((part) => part instanceof vscode.ChatResponseMarkdownPart);
  const told: unknown = turn.result.metadata?.footer;
  return {
    by: "farebox",
    text: parts.map((part) => part.value.value).join(""),
    footer: typeof told === "string" ? told : "",
  };
}

type Attached = NonNullable<ChatParams["attachments"]>[number];

/** Returns what VS Code's user has put to a question as the server takes it; null if it cannot be read. */
async function attachmentOf(name: string, value: unknown): Promise<Attached | null> {
  if (typeof value === "string") return { name: sendable(name), text: sendable(value) };
  const uri = value instanceof vscode.Location ? value.uri : value;
  if (!(uri instanceof vscode.Uri)) return null;
  try {
    const document = await vscode.workspace.openTextDocument(uri); // so that the server knows it
    const range = value instanceof vscode.Location ? document.validateRange(value.range) : null;
    if (uri.scheme !== "file" && uri.scheme !== "untitled") {
      return { name: sendable(uri.path), text: sendable(document.getText(range ?? undefined)) };
    }
    return { uri: uri.toString(), range };
  } catch {
    return null; // a folder, a picture, or gone
  }
}
