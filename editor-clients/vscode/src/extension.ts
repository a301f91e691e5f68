/** Wires the parts; nothing is decided here. */
import * as vscode from "vscode";
import { registerChat } from "./chat/commands";
import { registerNativeChat } from "./chat/native/native";
import { registerCodeActions } from "./codeActions";
import { Ghosts } from "./completion/ghost";
import { registerCosts } from "./costs/report";
import { registerDoctor } from "./doctor";
import { registerExplain } from "./explain";
import { registerKeys } from "./keys";
import { registerMenu } from "./menu";
import { registerModels } from "./models";
import { registerPause } from "./pause";
import { registerReview } from "./review/review";
import { finder } from "./server/finder";
import { Installer, registerInstaller } from "./server/installer";
import { Server } from "./server/server";
import { onSettingChanged, settings } from "./settings";
import { registerStatus } from "./status/item";

let running: Server | null = null;

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("farebox", { log: true });
  const installer = new Installer(context, log);
  const ghosts = new Ghosts(() => setContext("hasAccepted"));
  const server = new Server(finder(installer), log, ghosts.middleware);
  running = server;
  ghosts.follow(server);
  const review = registerReview(server);
  const chat = registerChat({
    extensionUri: context.extensionUri,
    server,
    propose: review.propose,
  });
  const status = registerStatus(server);
  const pause = registerPause(server);
  context.subscriptions.push(
    log,
    ghosts,
    server,
    review,
    chat,
    status,
    pause,
    registerCodeActions((question) => chat.ask(question)),
    registerNativeChat(server),
    registerModels(server),
    registerExplain(server),
    registerCosts(server),
    registerKeys(context, server),
    registerDoctor(server),
    registerInstaller(installer, server),
    registerMenu(() => ({ standing: status.standing, isPaused: pause.isPaused })),
    vscode.commands.registerCommand("farebox.showLog", () => log.show()),
    vscode.commands.registerCommand("farebox.restartServer", () => server.restart()),
    server.onReady(() => setContext("serverReady")),
    server.onReady(() => tellFocus(server, vscode.window.activeTextEditor)),
    vscode.window.onDidChangeActiveTextEditor((editor) => tellFocus(server, editor)),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void server.restart()),
    onSettingChanged("server.command", () => void server.restart()),
    followSettings(server),
  );
  setImmediate(() => void server.start()); // other extensions wait until this one is active
}

export function deactivate(): Promise<void> | undefined {
  return running?.stop();
}

function setContext(name: string): void {
  void vscode.commands.executeCommand("setContext", `farebox.${name}`, true);
}

function tellFocus(server: Server, editor: vscode.TextEditor | undefined): void {
  if (editor?.document.uri.scheme !== "file") return;
  server.notify("textDocument/didFocus", { textDocument: { uri: editor.document.uri.toString() } });
}

/** Tells the server of its settings when they change; of a change while it starts, once it has. */
function followSettings(server: Server): vscode.Disposable {
  let isMissed = false;
  const tell = () => {
    isMissed = !server.isRunning;
    server.notify("workspace/didChangeConfiguration", { settings: { farebox: settings().server } });
  };
  return vscode.Disposable.from(
    onSettingChanged("settings", tell),
    server.onReady(() => {
      if (isMissed) tell();
    }),
  );
}
