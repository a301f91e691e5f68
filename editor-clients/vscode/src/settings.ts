/** The six settings. They are the user's own: no folder's and no workspace's value is ever read. */
import * as vscode from "vscode";

const SECTION = "farebox";

export type Settings = {
  /** The command that starts the server; null: it is found by itself. */
  readonly command: readonly string[] | null;
  /** The server's settings, as in its config.toml, and over it. */
  readonly server: Readonly<Record<string, unknown>>;
  readonly languages: Readonly<Record<string, boolean>>;
  readonly trigger: "automatic" | "manual";
  readonly statusItem: "cost" | "costAndModel" | "hidden";
  readonly isChatNative: boolean;
};

function userValue(name: string): unknown {
  const found = vscode.workspace.getConfiguration(SECTION).inspect(name);
  return found?.globalValue ?? found?.defaultValue;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function words(value: unknown): readonly string[] | null {
  const isCommand = Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string");
  return isCommand ? value : null;
}

/** Reads the settings as they are now; what makes no sense counts as not set. */
export function settings(): Settings {
  const switches = Object.entries(record(userValue("completion.languages")));
  const statusItem = userValue("statusItem");
  return {
    command: words(userValue("server.command")),
    server: record(userValue("settings")),
    languages: Object.fromEntries(
      switches.filter((one): one is [string, boolean] => typeof one[1] === "boolean"),
    ),
    trigger: userValue("completion.trigger") === "manual" ? "manual" : "automatic",
    statusItem: statusItem === "cost" || statusItem === "hidden" ? statusItem : "costAndModel",
    isChatNative: userValue("chat.native") === true,
  };
}

/** Calls back when a setting has changed, with its name without `farebox.`. */
export function onSettingChanged(name: string, changed: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(`${SECTION}.${name}`)) changed();
  });
}
