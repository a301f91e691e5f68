/** One run of a program that is waited for, such as pip. Knows no VS Code. */
import { type ChildProcess, spawn } from "node:child_process";
import { homedir } from "node:os";
import { createInterface } from "node:readline";
import { environmentOf } from "./environment";
import { Failure, failureOf } from "./failure";

/** Variables by which pip or uv would install somewhere else than into the environment that they are told. */
const ELSEWHERE =
  /^(PIP_(TARGET|PREFIX|ROOT|USER|REQUIRE_VIRTUALENV)|UV_(SYSTEM_PYTHON|PYTHON|TARGET|PREFIX))$/i;
const PASSWORD = /(\/\/)[^/\s@]+@/g;
const MAX_LINES = 2_000;
const IS_WINDOWS = process.platform === "win32";

export type Ended = { readonly code: number | null; readonly output: string };

export type Watch = {
  readonly signal: AbortSignal;
  /** Hears each line that the program says, without passwords of addresses. */
  readonly log: (line: string) => void;
};

/** Runs a program to its end. Throws a Failure if it could not be started, or was stopped. */
export async function ran(command: readonly string[], watch: Watch): Promise<Ended> {
  const [program = "", ...words] = command;
  watch.signal.throwIfAborted();
  const child = spawn(program, words, {
    cwd: homedir(),
    env: installing(process.env),
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
    detached: !IS_WINDOWS, // a group of its own, which ends as one
  });
  const stop = () => end(child);
  watch.signal.addEventListener("abort", stop);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      const said = line.replace(PASSWORD, "$1…@");
      watch.log(said);
      if (lines.push(said) > MAX_LINES) lines.shift();
    });
  }
  try {
    const code = await ending(child);
    watch.signal.throwIfAborted();
    return { code, output: lines.join("\n") };
  } catch (error) {
    watch.signal.throwIfAborted();
    throw new Failure("noServer", `${program} could not be started: ${failureOf(error).message}`);
  } finally {
    watch.signal.removeEventListener("abort", stop);
  }
}

function installing(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environmentOf(variables)).filter(([name]) => !ELSEWHERE.test(name));
  return Object.fromEntries(kept);
}

function ending(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code));
  });
}

function end(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (IS_WINDOWS) child.kill();
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}
