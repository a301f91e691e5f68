/**
 * The server that this extension installs for itself: an environment of its own, from the wheel that it brings.
 *
 * It is never inside a project, and never half-made: it gets its name when it works. Knows no VS Code.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Failure } from "./failure";
import { troubleOf } from "./installationTrouble";
import type { Maker } from "./python";
import { ran, type Watch } from "./run";
import type { Launch } from "./server";

const FOLDER = "server";
const PART = ".part-";
const DAY_MS = 24 * 60 * 60 * 1000;
const RENAME_TRIES = 10;
const RENAME_PAUSE_MS = 200;
const REMOVE = { recursive: true, force: true, maxRetries: 5 } as const;

export type Wish = Watch & {
  /** A folder of this extension alone. */
  readonly storage: string;
  readonly wheel: string;
  readonly maker: Maker;
  /** Hears what is being done, in words for the user. */
  readonly report: (step: string) => void;
};

/** Returns the wheel that came with the extension; null if it came without. */
export function bundledWheel(extension: string): string | null {
  const folder = join(extension, FOLDER);
  const [name] = existsSync(folder) ? readdirSync(folder).filter((one) => /^farebox-.*\.whl$/.test(one)) : [];
  return name === undefined ? null : join(folder, name);
}

/** Returns what was installed from exactly this wheel; null if nothing was. */
export function installed(storage: string, wheel: string): Launch | null {
  const folder = folderOf(storage, wheel);
  const python = pythonIn(folder);
  if (!existsSync(python)) return null;
  return { command: [python, "-I", "-m", "farebox", "lsp"], found: `${folder} (this extension's own)` };
}

/** Says whether another wheel was installed before, so that the user has agreed to have one. */
export function hasEarlier(storage: string): boolean {
  return installations(storage).length > 0;
}

/** Installs the server, unless it is there and works. Throws a Failure, or the signal's reason. */
export async function install(wish: Wish): Promise<Launch> {
  const there = installed(wish.storage, wish.wheel);
  if (there && (await works(there, wish))) return there;
  const folder = folderOf(wish.storage, wish.wheel);
  const part = `${folder}${PART}${process.pid}-${randomUUID().slice(0, 8)}`;
  try {
    await mkdir(join(wish.storage, FOLDER), { recursive: true });
    await removeParts(wish.storage);
    await make(part, wish);
    await name(part, folder, wish);
  } catch (error) {
    wish.signal.throwIfAborted();
    throw troubleOf(error);
  } finally {
    await rm(part, REMOVE).catch(() => {});
  }
  await removeEarlier(wish.storage, folder);
  const launch = installed(wish.storage, wish.wheel);
  if (launch) return launch;
  throw new Failure("noServer", "the server was installed, and is not where it should be");
}

// --- what is on the disk --------------------------------------------------------------------------------

/** An environment's folder names what is inside: another wheel of the same version is another folder. */
function folderOf(storage: string, wheel: string): string {
  const [project, version] = basename(wheel).split("-");
  const hash = createHash("sha256").update(readFileSync(wheel)).digest("hex").slice(0, 12);
  return join(storage, FOLDER, `${project}-${version}-${hash}`);
}

/** Not the `farebox` beside it: that names the folder in which it was made. */
function pythonIn(folder: string): string {
  return process.platform === "win32" ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
}

function installations(storage: string): readonly string[] {
  const folder = join(storage, FOLDER);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((one) => one.startsWith("farebox-") && !one.includes(PART))
    .map((one) => join(folder, one));
}

/** Removes what installations have left that were ended before they could. */
async function removeParts(storage: string): Promise<void> {
  const folder = join(storage, FOLDER);
  for (const one of readdirSync(folder).filter((each) => each.includes(PART))) {
    const maker = Number(one.slice(one.indexOf(PART) + PART.length).split("-")[0]);
    if (!isRunning(maker) || (await ageMs(join(folder, one))) > DAY_MS) await rm(join(folder, one), REMOVE);
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function ageMs(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  return found ? Date.now() - found.mtimeMs : 0;
}

/** Removes all but the last one before this: a window that has not been reloaded may still run that. */
async function removeEarlier(storage: string, current: string): Promise<void> {
  const others = installations(storage).filter((one) => one !== current);
  const aged = await Promise.all(others.map(async (path) => ({ path, ms: await ageMs(path) })));
  const removed = aged.sort((one, other) => one.ms - other.ms).slice(1);
  await Promise.all(removed.map(({ path }) => rm(path, REMOVE).catch(() => {})));
}

// --- making it ------------------------------------------------------------------------------------------

async function make(part: string, wish: Wish): Promise<void> {
  const python = pythonIn(part);
  const [environment, packages] = commands(wish.maker, part, python, wish.wheel);
  wish.report("making an environment of its own");
  await succeed(environment, wish);
  wish.report("installing it and what it needs");
  await succeed(packages, wish);
  wish.report("trying it");
  await succeed([python, "-I", "-m", "farebox", "--version"], wish);
}

function commands(maker: Maker, part: string, python: string, wheel: string): readonly [string[], string[]] {
  switch (maker.kind) {
    case "python":
      return [
        [...maker.command, "-I", "-m", "venv", part],
        [
          python,
          "-I",
          "-m",
          "pip",
          "install",
          "--no-input",
          "--disable-pip-version-check",
          "--no-user",
          wheel,
        ],
      ];
    case "uv":
      return [
        [...maker.command, "venv", "--no-project", "--python", ">=3.11", part],
        [...maker.command, "pip", "install", "--python", python, wheel],
      ];
  }
}

async function succeed(command: readonly string[], wish: Wish): Promise<void> {
  const { code, output } = await ran(command, wish);
  if (code !== 0) throw new Error(output);
}

async function works(launch: Launch, wish: Wish): Promise<boolean> {
  const [python = ""] = launch.command;
  return (await ran([python, "-I", "-m", "farebox", "--version"], wish)).code === 0;
}

/** Another window may have been faster: then its environment is as good as this one. */
async function name(part: string, folder: string, wish: Wish): Promise<void> {
  const there = installed(wish.storage, wish.wheel);
  if (there && (await works(there, wish))) return;
  await rm(folder, REMOVE);
  for (let tries = 1; ; tries += 1) {
    try {
      return await rename(part, folder);
    } catch (error) {
      if (installed(wish.storage, wish.wheel)) return;
      if (tries === RENAME_TRIES) throw error;
      await setTimeout(RENAME_PAUSE_MS); // on Windows something may still read what was just written
    }
  }
}
