/**
 * Keys of providers: typed in here, kept by VS Code's secret storage, and handed to the server's memory.
 *
 * They are in no setting, log, argument or file of ours, and no message repeats one.
 */
import * as vscode from "vscode";
import { changes, type Keyring, keyringOf, nameProblemOf, PROVIDERS, problemOf, textOf } from "./keyring";
import { tell, tellFailure } from "./notice";
import { label } from "./plain";
import { Failure, failureOf, type Kind } from "./server/failure";
import type { Server } from "./server/server";
import { onSettingChanged, settings } from "./settings";

const SECRET = "farebox.keys";
/** Refusals that say nothing of the key: a provider that the settings do not name any more, and what is told already. */
const EXPECTED: ReadonlySet<Kind> = new Set<Kind>(["invalidParams", "config", "serverEnded", "noServer"]);
const OTHER = "$(edit) Another provider…";

export class Keys implements vscode.Disposable {
  /** What the server that runs was told. */
  private told: Keyring = new Map();
  private hasBadSettings = false;
  private handing: Promise<void> = Promise.resolve();
  private readonly listeners: readonly vscode.Disposable[];

  constructor(
    private readonly secrets: vscode.SecretStorage,
    private readonly server: Server,
  ) {
    this.listeners = [
      server.onReady(({ waitUntil }) => {
        this.handOverAll();
        waitUntil(this.handing);
      }),
      secrets.onDidChange((event) => {
        if (event.key === SECRET) this.handOver();
      }),
      // A key is for the address of the moment in which the server was told it.
      onSettingChanged("settings", () => this.handOverAll()),
      server.onStatus((params) => {
        if (this.hasBadSettings && params.state !== "error") this.handOver();
      }),
    ];
  }

  /** Asks for a provider's key, and first for the provider if it is not named. */
  async add(named: unknown): Promise<void> {
    const provider = typeof named === "string" ? named : await this.chooseProvider();
    const key = provider ? await typedKey(provider) : undefined;
    if (!provider || !key) return;
    try {
      await this.keep(provider, key);
      await this.verify(provider);
    } catch (error) {
      await tellFailure(failureOf(error));
    }
  }

  async remove(): Promise<void> {
    const kept = await this.read();
    if (kept.size === 0) {
      tell("no key is kept here; one from the environment or of `farebox auth` is removed there");
      return;
    }
    const items = [...kept.keys()].sort().map((provider) => ({ label: label(provider), provider }));
    const chosen = await vscode.window.showQuickPick(items, { title: "farebox: remove the key of" });
    if (!chosen) return;
    await this.write((keyring) => keyring.delete(chosen.provider));
    tell(`the key of ${chosen.label} was removed`);
  }

  dispose(): void {
    for (const one of this.listeners) one.dispose();
  }

  // --- the storage ------------------------------------------------------------------------------------

  private async read(): Promise<Keyring> {
    return keyringOf(await this.secrets.get(SECRET));
  }

  private async write(change: (keyring: Map<string, string>) => void): Promise<void> {
    const keyring = new Map(await this.read());
    change(keyring);
    await this.secrets.store(SECRET, textOf(keyring));
    this.handOver();
    await this.handing;
  }

  /** Keeps a key unless the server says that it can be none, or is no provider's. */
  private async keep(provider: string, key: string): Promise<void> {
    if (this.server.isRunning) await this.server.call("setCredential", { provider, secret: key });
    await this.write((keyring) => keyring.set(provider, key));
  }

  // --- the server -------------------------------------------------------------------------------------

  /** Tells the server all keys: it is another one, or its settings are. */
  private handOverAll(): void {
    this.told = new Map();
    this.handOver();
  }

  /** Tells the server what has changed, one thing after another. */
  private handOver(): void {
    this.handing = this.handing
      .then(() => this.tellServer())
      .catch((error: unknown) => void tellFailure(failureOf(error)));
  }

  private async tellServer(): Promise<void> {
    if (!this.server.isRunning) return;
    this.hasBadSettings = false;
    const kept = await this.read();
    const news = changes(this.told, kept);
    this.told = kept;
    for (const [provider, secret] of news) {
      await this.server
        .call("setCredential", { provider, secret })
        .catch((error: unknown) => this.refused(provider, failureOf(error)));
    }
  }

  /** What was refused is told again at the next occasion: the settings may be better by then. */
  private refused(provider: string, failure: Failure): void {
    const rest = new Map(this.told);
    rest.delete(provider);
    this.told = rest;
    this.hasBadSettings ||= failure.kind === "config";
    if (!EXPECTED.has(failure.kind)) void tellFailure(failure);
  }

  /** Asks the provider whether it takes the key. No prompt is sent for that. */
  private async verify(provider: string): Promise<void> {
    const said = `the key of ${label(provider)} is kept by VS Code's secret storage`;
    if (!this.server.isRunning) return tell(`${said}, and the server gets it when it starts`);
    const asking = {
      location: vscode.ProgressLocation.Notification,
      title: `farebox: asking ${label(provider)}`,
    };
    const { checks } = await vscode.window.withProgress(asking, () => this.server.call("doctor", {}));
    const check = checks.find((one) => one.name === `provider ${provider}`);
    if (check?.state === "error") throw new Failure("keyRejected", check.message, check.hint || null);
    tell(check?.state === "ok" ? `${said}, and ${label(provider)} takes it` : said);
  }

  // --- the user ---------------------------------------------------------------------------------------

  private async chooseProvider(): Promise<string | undefined> {
    const kept = await this.read();
    const names = [...new Set([...PROVIDERS, ...ownProviders(), ...kept.keys()])];
    const items = names.map((name) => ({
      label: label(name),
      description: kept.has(name) ? "has a key, which the new one replaces" : "",
      provider: name,
    }));
    const other = { label: OTHER, description: "one of your settings", provider: "" };
    const options = { title: "farebox: add a key", placeHolder: "Whose key?" };
    const chosen = await vscode.window.showQuickPick([...items, other], options);
    if (chosen?.provider !== "") return chosen?.provider;
    const typed = await vscode.window.showInputBox({
      title: options.title,
      prompt: "The provider's name in your settings. The key itself is asked for next.",
      ignoreFocusOut: true,
      validateInput: nameProblemOf,
    });
    return typed?.trim();
  }
}

/** Returns the names of the providers that the user's settings have here; those of config.toml the server knows. */
function ownProviders(): readonly string[] {
  const { providers } = settings().server;
  return typeof providers === "object" && providers !== null ? Object.keys(providers) : [];
}

async function typedKey(provider: string): Promise<string | undefined> {
  const typed = await vscode.window.showInputBox({
    title: `farebox: the key of ${label(provider)}`,
    prompt: `It is kept by VS Code's secret storage, and goes to ${label(provider)} alone.`,
    password: true,
    ignoreFocusOut: true,
    validateInput: problemOf,
  });
  return typed?.trim();
}

/** Registers the commands for keys, and hands the kept ones to every server that begins. */
export function registerKeys(context: vscode.ExtensionContext, server: Server): vscode.Disposable {
  const keys = new Keys(context.secrets, server);
  return vscode.Disposable.from(
    keys,
    vscode.commands.registerCommand("farebox.addKey", (provider?: unknown) => keys.add(provider)),
    vscode.commands.registerCommand("farebox.removeKey", () => keys.remove()),
  );
}
