/** The extension, as the page sees it: what it is told, and the draft that VS Code keeps for the page. */
import type { FromPage } from "../src/chat/wire";

type Api = {
  postMessage(message: FromPage): void;
  getState(): unknown;
  setState(state: State): void;
};

/** Nothing but what the user is typing: chats are the extension's. */
type State = { readonly draft: string };

declare function acquireVsCodeApi(): Api;

const api = acquireVsCodeApi();

export function post(message: FromPage): void {
  api.postMessage(message);
}

export function keepDraft(draft: string): void {
  api.setState({ draft });
}

export function keptDraft(): string {
  const state = api.getState();
  if (typeof state !== "object" || state === null || !("draft" in state)) return "";
  return typeof state.draft === "string" ? state.draft : "";
}
