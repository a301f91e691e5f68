/** Gives a conversation the server's chat: a signal becomes the token that VS Code cancels requests by. */
import * as vscode from "vscode";
import type { Server } from "../server/server";
import type { Asked } from "./conversation";

export function asked(server: Server): Asked {
  return {
    get isRunning() {
      return server.isRunning;
    },
    get generation() {
      return server.generation;
    },
    async chat(params, signal) {
      const source = new vscode.CancellationTokenSource();
      const stop = () => source.cancel();
      if (signal.aborted) stop();
      signal.addEventListener("abort", stop, { once: true });
      try {
        return await server.call("chat", params, source.token);
      } finally {
        signal.removeEventListener("abort", stop);
        source.dispose();
      }
    },
  };
}
