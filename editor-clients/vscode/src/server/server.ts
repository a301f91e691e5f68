/**
 * The one farebox server of this window: starts it, asks it, and brings it back when it has died.
 *
 * Where its program is, and what is shown of an answer, is for others to know.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { homedir } from "node:os";
import { setTimeout } from "node:timers/promises";
import * as vscode from "vscode";
import type { LanguageClient, Middleware } from "vscode-languageclient/node";
import { tellFailure, warn } from "../notice";
import { type ChatEventParams, type Methods, PROTOCOL_VERSION, type StatusParams } from "../protocol";
import { environmentOf } from "./environment";
import { Failure, failureOf } from "./failure";

const MAX_ENDS = 3;
const WITHIN_MS = 60_000;
const RESTART_MS = 200;
const STOP_MS = 2_000;
const PREPARE_MS = 2_000;

/** What starts a server: an absolute path and its arguments, and where it was found, in words. */
export type Launch = { readonly command: readonly string[]; readonly found: string };

/** Finds what to start. Throws a Failure. */
export type Finder = () => Promise<Launch>;

/** A server that has just come. Others are not answered before what it is to be told first, such as keys. */
export type Beginning = { readonly waitUntil: (told: Promise<unknown>) => void };

type Run = { readonly process: ChildProcess; readonly client: LanguageClient; isWanted: boolean };

export class Server implements vscode.Disposable {
  private readonly status = new vscode.EventEmitter<StatusParams>();
  private readonly chatEvent = new vscode.EventEmitter<ChatEventParams>();
  private readonly ready = new vscode.EventEmitter<Beginning>();
  private readonly end = new vscode.EventEmitter<Failure>();
  private starting: Promise<Run> | null = null;
  private beginning: Run | null = null;
  private run: Run | null = null;
  private down: Failure | null = null;
  private endedAt: number[] = [];
  private readyCount = 0;

  readonly onStatus = this.status.event;
  readonly onChatEvent = this.chatEvent.event;
  readonly onReady = this.ready.event;
  readonly onEnd = this.end.event;

  constructor(
    private readonly find: Finder,
    private readonly log: vscode.LogOutputChannel,
    private readonly middleware: Middleware,
  ) {}

  /** How many servers have been ready so far: what another one was told this one does not know. */
  get generation(): number {
    return this.readyCount;
  }

  get isRunning(): boolean {
    return this.run !== null;
  }

  /** Starts the server if it neither runs nor starts. A failure has been told when this returns. */
  async start(): Promise<void> {
    try {
      await this.running();
    } catch (error) {
      await tellFailure(failureOf(error));
    }
  }

  /** Stops the server, and does not start it until it is restarted: whoever asks it something meanwhile is refused. */
  async stop(): Promise<void> {
    this.down = stopped();
    await this.closeRun();
  }

  async restart(): Promise<void> {
    this.endedAt = [];
    this.down = null;
    await this.closeRun();
    await this.startAnew();
  }

  /** Asks one of farebox's methods, and waits for the server first. Throws a Failure. */
  async call<Name extends keyof Methods>(
    name: Name,
    params: Methods[Name]["params"],
    token?: vscode.CancellationToken,
  ): Promise<Methods[Name]["result"]> {
    const run = (isFirst(name) ? this.run : null) ?? (await this.running());
    if (token?.isCancellationRequested) throw new Failure("cancelled", "it was stopped");
    const method = `farebox/${name}`;
    // Without a token it has to be left out: undefined would be a second parameter.
    const asked = token
      ? run.client.sendRequest(method, params, token)
      : run.client.sendRequest(method, params);
    try {
      return (await asked) as Methods[Name]["result"];
    } catch (error) {
      throw failureOf(error);
    }
  }

  /** Tells the server something, if it runs. */
  notify(method: string, params: object): void {
    this.run?.client.sendNotification(method, params).catch(() => {});
  }

  dispose(): void {
    void this.stop();
    for (const one of [this.status, this.chatEvent, this.ready, this.end]) one.dispose();
  }

  // --- start and end ------------------------------------------------------------------------------

  /** Starts the server after the start that still goes on: a server that was stopped, or has died, ends that one. */
  private async startAnew(): Promise<void> {
    await this.starting?.catch(() => {});
    await this.start();
  }

  private running(): Promise<Run> {
    if (this.run && !this.starting) return Promise.resolve(this.run);
    if (this.down && this.down.kind !== "noServer") return Promise.reject(this.down);
    this.starting ??= this.begin().finally(() => {
      this.starting = null;
    });
    return this.starting;
  }

  private async begin(): Promise<Run> {
    try {
      const launch = await this.find();
      if (this.down?.isTold) throw this.down; // it was stopped meanwhile
      this.log.info(`starting ${launch.found}`);
      const process = await spawned(launch);
      const { clientOf } = await import("./client"); // most of what there is to load, and nobody waits for it
      const run = { process, client: clientOf(process, this.log, this.middleware), isWanted: true };
      await this.initialize(run);
      await this.prepare();
      if (this.run !== run) throw stopped();
      return run;
    } catch (error) {
      const failure = failureOf(error);
      if (failure.isTold) throw failure;
      // Who stops the installation has wanted that; who asks later has not, and is told.
      this.down = failure.kind === "cancelled" ? new Failure("serverEnded", failure.message) : failure;
      this.end.fire(failure);
      throw failure;
    } finally {
      this.beginning = null;
    }
  }

  private async initialize(run: Run): Promise<void> {
    const { client } = run;
    this.beginning = run;
    client.onNotification("farebox/status", (params: StatusParams) => this.status.fire(params));
    // The language client would show links in it that run commands.
    client.onNotification("window/showMessage", ({ message }: { message: string }) =>
      warn(message.replace(/^farebox: /, "")),
    );
    client.onNotification("farebox/chatEvent", (params: ChatEventParams) => this.chatEvent.fire(params));
    const ended = endOf(run);
    ended.catch((failure: Failure) => this.died(run, failure));
    try {
      await Promise.race([client.start(), ended]);
      if (!run.isWanted) throw stopped();
      checkProtocol(client);
    } catch (error) {
      const failure = failureOf(error);
      // It was stopped, or has died: its output ends before it does, and `died` tells of it.
      const isItsOwnEnd = !run.isWanted || hasEnded(run) || failure.isTold;
      run.isWanted &&= isItsOwnEnd;
      run.process.kill();
      void client.dispose().catch(() => {});
      throw isItsOwnEnd ? failure.told() : refusal(failure);
    }
    this.run = run;
    this.down = null;
    this.readyCount += 1;
  }

  /** Has the server told what it needs first. What takes too long, as a locked keyring does, is not waited for. */
  private async prepare(): Promise<void> {
    const told: Promise<unknown>[] = [];
    this.ready.fire({ waitUntil: (one) => told.push(one) });
    await Promise.race([Promise.allSettled(told), setTimeout(PREPARE_MS, undefined, { ref: false })]);
  }

  private died(run: Run, failure: Failure): void {
    if (this.run === run) this.run = null;
    void run.client.dispose().catch(() => {});
    if (!run.isWanted) return;
    run.isWanted = false;
    const now = Date.now();
    this.endedAt = [...this.endedAt.filter((at) => at > now - WITHIN_MS), now];
    if (this.endedAt.length >= MAX_ENDS) {
      this.stayDown(failure);
      return;
    }
    this.end.fire(failure);
    warn(`${failure.message}, and is started again`);
    void setTimeout(RESTART_MS).then(() => this.startAnew());
  }

  private stayDown(failure: Failure): void {
    const message = `the server stays down: it ended ${MAX_ENDS} times in a minute`;
    this.down = new Failure("serverEnded", `${message} (${failure.message})`);
    this.end.fire(this.down);
    void tellFailure(this.down);
    this.down = this.down.told();
  }

  private async closeRun(): Promise<void> {
    const run = this.run ?? this.beginning;
    if (!run) return;
    run.isWanted = false;
    if (this.run === run) this.run = null;
    this.end.fire(stopped());
    await run.client.stop(STOP_MS).catch(() => {});
    await run.client.dispose().catch(() => {});
    run.process.kill();
  }
}

function stopped(): Failure {
  return new Failure("serverEnded", "the server was stopped", null, true);
}

/** Says whether a method is one of those that others wait for. */
function isFirst(name: keyof Methods): boolean {
  return name === "setCredential" || name === "pause";
}

/** Rejects, with how it ended, when the process has. */
function endOf(run: Run): Promise<never> {
  return new Promise((_, reject) => {
    const ended = () => reject(new Failure("serverEnded", `the server has ended (${howEnded(run.process)})`));
    if (hasEnded(run)) return ended();
    run.process.once("exit", ended);
  });
}

function hasEnded(run: Run): boolean {
  return run.process.exitCode !== null || run.process.signalCode !== null;
}

function howEnded(process: ChildProcess): string {
  return process.signalCode === null ? `exit code ${process.exitCode}` : `signal ${process.signalCode}`;
}

async function spawned(launch: Launch): Promise<ChildProcess> {
  const [program, ...words] = launch.command as [string, ...string[]];
  const child = spawn(program, words, {
    cwd: homedir(),
    env: environmentOf(process.env),
    stdio: "pipe",
    windowsHide: true,
  });
  try {
    await once(child, "spawn");
  } catch (error) {
    throw new Failure("noServer", `${program} could not be started: ${failureOf(error).message}`);
  }
  return child;
}

function refusal(failure: Failure): Failure {
  if (failure.kind !== "error") return failure;
  return new Failure("serverEnded", `the server could not be started: ${failure.message}`, failure.hint);
}

function checkProtocol(client: LanguageClient): void {
  const experimental = client.initializeResult?.capabilities.experimental as
    | { farebox?: { protocol?: unknown } }
    | undefined;
  if (experimental?.farebox?.protocol === PROTOCOL_VERSION) return;
  const version = client.initializeResult?.serverInfo?.version ?? "unknown";
  throw new Failure(
    "noServer",
    `the farebox that was found (version ${version}) speaks another protocol than this extension`,
    "Install the one that comes with the extension, or update yours.",
  );
}
