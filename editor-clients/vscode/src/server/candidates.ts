/**
 * Where farebox's server may be, best first: the user's setting, the environment, the extension's own installation, the PATH.
 *
 * Pure: what is on the disk is asked of its caller. Nothing that belongs to a project is ever taken.
 */
import { isAbsolute } from "node:path";
import { Failure } from "./failure";
import { type Around, programs } from "./programs";
import type { Launch } from "./server";

export const ENVIRONMENT_VARIABLE = "FAREBOX_SERVER";

export type Surroundings = Around & {
  /** The setting `farebox.server.command`. */
  readonly command: readonly string[] | null;
  /** The server that this extension has installed for itself; null: there is none, or it is of another version. */
  readonly installed: Launch | null;
};

/** Returns the server to start; null if there is none. Throws a Failure where the user has named one that is not there. */
export function choose(around: Surroundings): Launch | null {
  return fromSetting(around) ?? fromEnvironment(around) ?? around.installed ?? fromPath(around);
}

function fromSetting(around: Surroundings): Launch | null {
  if (around.command === null) return null;
  const [program = ""] = around.command;
  check(around, program, "the setting farebox.server.command");
  return { command: around.command, found: `${program} (farebox.server.command)` };
}

function fromEnvironment(around: Surroundings): Launch | null {
  const program = around.variables[ENVIRONMENT_VARIABLE];
  if (!program) return null;
  check(around, program, ENVIRONMENT_VARIABLE);
  return { command: [program, "lsp"], found: `${program} (${ENVIRONMENT_VARIABLE})` };
}

function check(around: Surroundings, program: string, where: string): void {
  if (!isAbsolute(program)) {
    throw new Failure("noServer", `${where} names ${program}`, "It has to be an absolute path.");
  }
  if (!around.isExecutable(program)) {
    throw new Failure("noServer", `${where} names ${program}, which is no program`, "Name another, or none.");
  }
}

function fromPath(around: Surroundings): Launch | null {
  const [found] = programs("farebox", around);
  return found === undefined ? null : { command: [found, "lsp"], found: `${found} (PATH)` };
}
