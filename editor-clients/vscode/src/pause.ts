/** Whether ghost text rests. The server forgets it when it ends, so that every new one is told again. */
import * as vscode from "vscode";
import { tell, tellFailure } from "./notice";
import { failureOf } from "./server/failure";
import type { Server } from "./server/server";

export class Pause implements vscode.Disposable {
  private paused = false;
  private readonly listeners: readonly vscode.Disposable[];

  constructor(private readonly server: Server) {
    this.listeners = [
      server.onReady(({ waitUntil }) => {
        if (this.paused) waitUntil(this.tellServer(true));
      }),
      vscode.commands.registerCommand("farebox.togglePause", () => this.toggle()),
    ];
  }

  get isPaused(): boolean {
    return this.paused;
  }

  async toggle(): Promise<void> {
    const paused = !this.paused;
    try {
      await this.tellServer(paused);
    } catch (error) {
      return tellFailure(failureOf(error));
    }
    this.paused = paused;
    tell(
      paused
        ? "ghost text rests until you resume it; asked for by hand it still comes"
        : "ghost text is back",
    );
  }

  dispose(): void {
    for (const one of this.listeners) one.dispose();
  }

  private async tellServer(paused: boolean): Promise<void> {
    await this.server.call("pause", { paused });
  }
}

/** Registers the command that lets ghost text rest, or resumes it. */
export function registerPause(server: Server): Pause {
  return new Pause(server);
}
