/**
 * The cost report: the server's own page, in a tab.
 *
 * It adds up nothing, and the page brings its own policy: it loads nothing, and no script runs there.
 */
import * as vscode from "vscode";
import { tellFailure } from "../notice";
import { Failure, failureOf } from "../server/failure";
import type { Server } from "../server/server";
import { PERIODS, type Period } from "./periods";

const VIEW = "farebox.costs";

class Costs implements vscode.Disposable {
  private panel: vscode.WebviewPanel | null = null;
  private period: Period = PERIODS[0];
  private asking: vscode.CancellationTokenSource | null = null;

  constructor(private readonly server: Server) {}

  /** Shows the report, as of now; where it is in front already, asks for the time first. */
  async show(): Promise<void> {
    if (this.panel?.active) return this.choosePeriod();
    this.panel?.reveal();
    await this.ask(this.period);
  }

  async choosePeriod(): Promise<void> {
    const items = PERIODS.map((period) => ({
      label: period.title,
      description: this.markOf(period),
      period,
    }));
    const chosen = await vscode.window.showQuickPick(items, {
      title: "farebox: costs",
      placeHolder: "Of which time?",
    });
    if (chosen) await this.ask(chosen.period);
  }

  dispose(): void {
    this.asking?.cancel();
    this.panel?.dispose();
  }

  private markOf(period: Period): string {
    return this.panel !== null && period === this.period ? "shown" : "";
  }

  private async ask(period: Period): Promise<void> {
    try {
      const page = await this.pageOf(period);
      if (page === null) return;
      this.period = period;
      this.draw(page);
    } catch (error) {
      await tellFailure(failureOf(error));
    }
  }

  /** Asks for the page, and takes an earlier question back. Returns null if another one came after this. */
  private async pageOf(period: Period): Promise<string | null> {
    this.asking?.cancel();
    const asking = new vscode.CancellationTokenSource();
    this.asking = asking;
    try {
      const report = await this.server.call(
        "costReport",
        { since: period.since, format: "html" },
        asking.token,
      );
      if (this.asking !== asking) return null;
      if (typeof report.text === "string") return report.text;
      throw new Failure("error", "the server sent no page of the costs");
    } finally {
      asking.dispose();
      if (this.asking === asking) this.asking = null;
    }
  }

  private draw(page: string): void {
    this.panel ??= this.opened();
    this.panel.title = `Costs: ${this.period.title}`;
    this.panel.webview.html = page;
  }

  private opened(): vscode.WebviewPanel {
    const panel = vscode.window.createWebviewPanel(VIEW, "Costs", vscode.ViewColumn.Active, {
      enableScripts: false,
      enableFindWidget: true,
      localResourceRoots: [],
    });
    let wasVisible = true;
    panel.onDidChangeViewState(() => {
      if (panel.visible && !wasVisible) void this.ask(this.period);
      wasVisible = panel.visible;
    });
    panel.onDidDispose(() => {
      this.asking?.cancel();
      this.panel = null;
    });
    return panel;
  }
}

/** Registers the commands that show what was spent. */
export function registerCosts(server: Server): vscode.Disposable {
  const costs = new Costs(server);
  return vscode.Disposable.from(
    costs,
    vscode.commands.registerCommand("farebox.showCosts", () => costs.show()),
    vscode.commands.registerCommand("farebox.chooseCostPeriod", () => costs.choosePeriod()),
  );
}
