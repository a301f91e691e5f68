/** The chat of VS Code's own, as another way to the same request: there while its setting is on, and only then. */
import * as vscode from "vscode";
import type { Server } from "../../server/server";
import { onSettingChanged, settings } from "../../settings";
import { registerParticipant } from "./participant";
import { registerVendor } from "./vendor";

const SETTING = "chat.native";

export function registerNativeChat(server: Server): vscode.Disposable {
  let registered: vscode.Disposable | null = null;
  const follow = () => {
    if (settings().isChatNative === (registered !== null)) return;
    registered?.dispose();
    registered = registered === null ? register(server) : null;
  };
  follow();
  return vscode.Disposable.from(onSettingChanged(SETTING, follow), { dispose: () => registered?.dispose() });
}

function register(server: Server): vscode.Disposable {
  return vscode.Disposable.from(registerVendor(server), registerParticipant(server));
}
