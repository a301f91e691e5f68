/** What an environment for the server can be made with: a Python that is new enough, or uv. Knows no VS Code. */
import { Failure } from "./failure";
import { type Around, programs } from "./programs";
import { ran } from "./run";

export type Maker = { readonly kind: "python" | "uv"; readonly command: readonly string[] };

/** A Python: its version, and whether it can make an environment with pip inside. */
export type Python = {
  readonly command: readonly string[];
  readonly version: readonly [number, number];
  readonly hasVenv: boolean;
};

const PYTHON_ORG = "[python.org](https://www.python.org/downloads/)";
const OLDEST = [3, 11] as const;
const NAMES = ["python3.13", "python3.12", "python3.11", "python3.14", "python3", "python"];
const APPLES_STUB = "/usr/bin/python3"; // too old, and without the developer tools it opens a window
const PROBE_MS = 15_000;
const PROBE =
  "import sys, importlib.util as u; print('farebox', *sys.version_info[:2], int(all(map(u.find_spec, ('venv', 'ensurepip')))))";

/** Returns the commands that may be a Python, those first that are most likely to do. */
export function pythonCommands(around: Around): readonly (readonly string[])[] {
  const named = NAMES.flatMap((name) => programs(name, around)).filter(
    (place) => place !== APPLES_STUB || around.platform !== "darwin",
  );
  const launchers = around.platform === "win32" ? programs("py", around).map((place) => [place, "-3"]) : [];
  return [...launchers, ...named.map((place) => [place])];
}

/** Reads what a Python says of itself; null if it is none. */
export function pythonOf(command: readonly string[], output: string): Python | null {
  const [, major, minor, hasVenv] = /^farebox (\d+) (\d+) ([01])\s*$/m.exec(output) ?? [];
  if (major === undefined || minor === undefined) return null;
  return { command, version: [Number(major), Number(minor)], hasVenv: hasVenv === "1" };
}

export function isNewEnough(python: Python): boolean {
  const [major, minor] = python.version;
  return major === OLDEST[0] && minor >= OLDEST[1];
}

/** Says why none of these will do. */
export function missing(pythons: readonly Python[]): Failure {
  const bare = pythons.find(isNewEnough);
  if (bare) {
    const version = bare.version.join(".");
    return new Failure(
      "noServer",
      `Python ${version} is here, but not what makes an environment with it (venv)`,
      `On Debian and Ubuntu: \`sudo apt install python${version}-venv\`. Then install the server again.`,
    );
  }
  const newest = pythons.map((one) => one.version.join(".")).at(0);
  const message = newest === undefined ? "no Python was found" : `Python ${newest} is too old`;
  return new Failure(
    "noServer",
    `${message}, and the server needs Python 3.11 or newer`,
    `Get it from ${PYTHON_ORG}, or get uv. Then install the server again.`,
  );
}

/** Finds what to make an environment with. Throws a Failure. */
export async function findMaker(around: Around, signal: AbortSignal): Promise<Maker> {
  const found: Python[] = [];
  for (const command of pythonCommands(around)) {
    const python = await probed(command, signal);
    if (!python) continue;
    if (python.hasVenv && isNewEnough(python)) return { kind: "python", command };
    found.push(python);
  }
  const [uv] = programs("uv", around);
  if (uv !== undefined) return { kind: "uv", command: [uv] };
  throw missing(found);
}

async function probed(command: readonly string[], signal: AbortSignal): Promise<Python | null> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]);
  try {
    const { output } = await ran([...command, "-I", "-c", PROBE], { signal: patience, log: () => {} });
    return pythonOf(command, output);
  } catch {
    signal.throwIfAborted();
    return null;
  }
}
