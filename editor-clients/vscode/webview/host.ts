/** The extension, as the page sees it. VS Code would keep a page's state on disk, so this one keeps none. */
import type { FromPage } from "../src/chat/wire";

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void };

const api = acquireVsCodeApi();

export function post(message: FromPage): void {
  api.postMessage(message);
}
