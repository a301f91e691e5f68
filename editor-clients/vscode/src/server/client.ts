/** The language client for one process of the server: what it is told at the beginning, and how little it says by itself. */
import type { ChildProcess } from "node:child_process";
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  type LanguageClientOptions,
  type Middleware,
  RevealOutputChannelOn,
} from "vscode-languageclient/node";
import { settings } from "../settings";

/** Returns a client that has not been started yet. */
export function clientOf(
  process: ChildProcess,
  log: vscode.LogOutputChannel,
  middleware: Middleware,
): LanguageClient {
  const options: LanguageClientOptions = {
    documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
    initializationOptions: { settings: settings().server, workspaceTrusted: vscode.workspace.isTrusted },
    outputChannel: log,
    traceOutputChannel: silent(log),
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationFailedHandler: () => false,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => ({ action: CloseAction.DoNotRestart, handled: true }),
    },
    middleware,
  };
  return new QuietClient("farebox", "farebox", () => Promise.resolve(process), options);
}

/** One whose complaints are logged: what the user has to know is told once, by us. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/** A channel whose level is never Trace: a trace would hold prompts, code and keys. */
function silent(log: vscode.LogOutputChannel): vscode.LogOutputChannel {
  return new Proxy(log, {
    get(target, name) {
      if (name === "logLevel") return vscode.LogLevel.Info;
      if (name === "onDidChangeLogLevel") return () => new vscode.Disposable(() => {});
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
