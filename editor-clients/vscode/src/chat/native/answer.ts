/** Asks one question for a chat of VS Code's own, and hands on the answer while it comes. */
import type * as vscode from "vscode";
import type { ChatParams, ChatResult } from "../../protocol";
import type { Server } from "../../server/server";
import { newId } from "../conversation";

/** What it needs of the server. */
export type Asking = Pick<Server, "call" | "onChatEvent">;

/**
 * Asks, and returns the whole answer. VS Code keeps its chats itself and may change what was said: each question is a
 * conversation of its own, which the server need not keep. Throws a Failure.
 */
export async function answer(
  server: Asking,
  question: ChatParams,
  onText: (text: string) => void,
  token: vscode.CancellationToken,
): Promise<ChatResult> {
  const conversation = newId();
  const heard = server.onChatEvent((told) => {
    if (told.conversation !== conversation || token.isCancellationRequested) return;
    if (told.event.type === "text") onText(told.event.text);
  });
  try {
    return await server.call("chat", { history: [], ...question, conversation }, token);
  } finally {
    heard.dispose();
    server.call("deleteConversation", { conversation }).catch(() => {}); // it may never have begun
  }
}
