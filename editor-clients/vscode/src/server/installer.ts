/** Installs the server for the user: what they see of it, and once at a time. */
import * as vscode from "vscode";
import { tell, tellFailure } from "../notice";
import { isExecutable, realPath } from "./disk";
import { Failure, failureOf } from "./failure";
import { bundledWheel, hasEarlier, install, installed } from "./installation";
import type { Around } from "./programs";
import { findMaker } from "./python";
import type { Launch, Server } from "./server";

export class Installer {
  private readonly storage: string;
  private readonly wheel: string | null;
  private running: Promise<Launch> | null = null;

  constructor(
    context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.storage = context.globalStorageUri.fsPath;
    this.wheel = bundledWheel(context.extensionPath);
  }

  /** Returns what was installed for this version of the extension; null if nothing was. */
  installed(): Launch | null {
    return this.wheel === null ? null : installed(this.storage, this.wheel);
  }

  /** Says whether the user has one of an earlier version, so that this one is wanted as well. */
  isOutdated(): boolean {
    return this.wheel !== null && this.installed() === null && hasEarlier(this.storage);
  }

  /** Installs the server, and shows how that goes on. Throws a Failure. */
  install(): Promise<Launch> {
    this.running ??= this.run().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async run(): Promise<Launch> {
    const { wheel } = this;
    if (wheel === null) {
      throw new Failure(
        "noServer",
        "this extension was built without its server",
        "Install farebox with `pipx install farebox`, or name its command.",
      );
    }
    const shown = {
      location: vscode.ProgressLocation.Notification,
      title: "farebox: installing the server",
      cancellable: true,
    };
    return vscode.window.withProgress(shown, (progress, token) => this.watched(wheel, progress, token));
  }

  private async watched(
    wheel: string,
    progress: vscode.Progress<{ message: string }>,
    token: vscode.CancellationToken,
  ): Promise<Launch> {
    const stopping = new AbortController();
    token.onCancellationRequested(() => stopping.abort());
    const { signal } = stopping;
    try {
      const maker = await findMaker(surroundings(), signal);
      const log = (line: string) => this.log.info(line);
      log(`installing the server with ${maker.command.join(" ")}`);
      const report = (message: string) => progress.report({ message });
      return await install({ storage: this.storage, wheel, maker, signal, log, report });
    } catch (error) {
      if (signal.aborted) throw new Failure("cancelled", "the installation was stopped");
      throw error;
    }
  }
}

/** Returns what this machine is like, as far as it matters where programs are. */
export function surroundings(): Around {
  return {
    variables: process.env,
    folders: (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath),
    platform: process.platform,
    isExecutable,
    realPath,
  };
}

/** Registers the command that installs the server, and starts it. */
export function registerInstaller(installer: Installer, server: Server): vscode.Disposable {
  return vscode.commands.registerCommand("farebox.installServer", async () => {
    try {
      await installer.install();
    } catch (error) {
      return tellFailure(failureOf(error));
    }
    await server.restart();
    if (server.isRunning) tell("the server is installed, and runs");
  });
}
