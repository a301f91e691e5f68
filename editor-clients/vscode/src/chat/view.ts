/** The view that the chat's page is in. It may go and come back at any time: what it shows is kept elsewhere. */
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import { Channel } from "./channel";
import { html } from "./html";
import { parsed } from "./messages";
import type { FromPage, ShownChat, ToPage } from "./wire";

export const VIEW = "farebox.chat";

/** What the page tells, but for that it is there and what is being typed: that is the view's own. */
export type Told = Exclude<FromPage, { type: "ready" | "typed" }>;

export class ChatView implements vscode.WebviewViewProvider {
  private view: vscode.WebviewView | null = null;
  private isReady = false;
  private later: ToPage[] = [];
  private draft = "";
  private readonly channel = new Channel((message) => void this.view?.webview.postMessage(message));

  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly whole: () => ShownChat,
    private readonly heard: (message: Told) => void,
  ) {}

  resolveWebviewView(view: vscode.WebviewView): void {
    const folders = ["dist", "media"].map((name) => vscode.Uri.joinPath(this.extensionUri, name));
    this.view = view;
    view.webview.options = { enableScripts: true, localResourceRoots: folders };
    view.webview.onDidReceiveMessage((said: unknown) => this.hear(said));
    view.onDidChangeVisibility(() => {
      if (!view.visible) this.lose(view);
    });
    view.onDidDispose(() => {
      this.lose(view);
      if (this.view === view) this.view = null;
    });
    view.webview.html = this.page(view.webview);
  }

  /** Tells the page, if it is there: one that comes later asks for all of it. */
  send(message: ToPage): void {
    if (this.isReady) this.channel.send(message);
  }

  /** Tells the page now, or once it is there. */
  sendLater(message: ToPage): void {
    if (this.isReady) this.channel.send(message);
    else this.later.push(message);
  }

  /** Shows the page, with the cursor where one types. */
  async open(): Promise<void> {
    this.sendLater({ type: "focus" });
    await vscode.commands.executeCommand(`${VIEW}.focus`);
  }

  private hear(said: unknown): void {
    const message = parsed(said);
    if (message?.type === "ready") this.begin();
    else if (message?.type === "typed") this.draft = message.text;
    else if (message) this.heard(message);
  }

  private begin(): void {
    this.isReady = true;
    this.channel.send({ type: "chat", chat: this.whole() });
    if (this.draft !== "") this.channel.send({ type: "draft", text: this.draft });
    for (const message of this.later.splice(0)) this.channel.send(message);
  }

  /** A page that is hidden is gone: the one that is shown next begins anew, and says so. */
  private lose(view: vscode.WebviewView): void {
    if (this.view !== view) return;
    this.isReady = false;
    this.channel.forget();
  }

  private page(webview: vscode.Webview): string {
    const at = (...path: readonly string[]) =>
      webview.asWebviewUri(vscode.Uri.joinPath(this.extensionUri, ...path)).toString();
    return html({
      cspSource: webview.cspSource,
      nonce: randomBytes(16).toString("base64url"),
      script: at("dist", "chat.js"),
      style: at("media", "chat.css"),
    });
  }
}
