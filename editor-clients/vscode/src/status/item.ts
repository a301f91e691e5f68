/** The one status item: today's spend, the model that served last, and what is wrong. */
import * as vscode from "vscode";
import type { Server } from "../server/server";
import { onSettingChanged, settings } from "../settings";
import { LINKED, type News, next, type Severity, STARTING, type Standing, shown } from "./status";

const PRIORITY = 1000;

const BACKGROUNDS: Readonly<Record<Severity, string | null>> = {
  none: null,
  warning: "statusBarItem.warningBackground",
  error: "statusBarItem.errorBackground",
};

export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    "farebox.status",
    vscode.StatusBarAlignment.Right,
    PRIORITY,
  );
  private readonly listeners: readonly vscode.Disposable[];
  private now: Standing = STARTING;

  constructor(server: Server) {
    this.item.name = "farebox";
    this.listeners = [
      server.onReady(() => this.hear({ type: "ready" })),
      server.onEnd((failure) => this.hear({ type: "ended", why: failure.message })),
      server.onStatus((params) => this.hear({ type: "told", params })),
      onSettingChanged("statusItem", () => this.draw()),
    ];
    this.draw();
  }

  get standing(): Standing {
    return this.now;
  }

  dispose(): void {
    for (const one of [this.item, ...this.listeners]) one.dispose();
  }

  private hear(news: News): void {
    this.now = next(this.now, news);
    this.draw();
  }

  private draw(): void {
    const { text, label, tooltip, severity, isHidden, command } = shown(this.now, settings().statusItem);
    const background = BACKGROUNDS[severity];
    this.item.text = text;
    this.item.accessibilityInformation = { label, role: "button" };
    this.item.tooltip = markdown(tooltip);
    this.item.backgroundColor = background === null ? undefined : new vscode.ThemeColor(background);
    this.item.command = command;
    if (isHidden) this.item.hide();
    else this.item.show();
  }
}

function markdown(text: string): vscode.MarkdownString {
  const shownText = new vscode.MarkdownString(text);
  shownText.isTrusted = { enabledCommands: LINKED };
  return shownText;
}

/** Shows the status item. What it returns also says how farebox stands. */
export function registerStatus(server: Server): StatusItem {
  return new StatusItem(server);
}
