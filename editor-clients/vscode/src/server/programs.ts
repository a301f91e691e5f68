/** Programs that the user has on their PATH. What belongs to an open project is none of them. Pure. */
import { isAbsolute, join, relative } from "node:path";

export type Around = {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** The folders that are open: programs inside of them are a project's. */
  readonly folders: readonly string[];
  readonly platform: NodeJS.Platform;
  readonly isExecutable: (path: string) => boolean;
  /** Returns the path without links. */
  readonly realPath: (path: string) => string;
};

/** Where programs are on a Mac that an editor does not see which was started from the dock. */
const MACS_FOLDERS = ["/opt/homebrew/bin", "/usr/local/bin"];

/** Returns where a program of this name is, the first on the PATH first. */
export function programs(name: string, around: Around): readonly string[] {
  const { variables, platform } = around;
  const isWindows = platform === "win32";
  const path = (variables.PATH ?? variables.Path ?? "").split(isWindows ? ";" : ":");
  const macs = platform === "darwin" ? MACS_FOLDERS : [];
  const home = variables.HOME ? [join(variables.HOME, ".local", "bin")] : [];
  const folders = isWindows ? path : [...path, ...macs, ...home];
  const file = isWindows ? `${name}.exe` : name;
  const places = new Set(folders.filter((folder) => isAbsolute(folder)).map((folder) => join(folder, file)));
  return [...places].filter((place) => around.isExecutable(place) && !isAProjects(place, around));
}

/** By its real path, and by the one that it has: a project's environment links to the Python that it was made with. */
function isAProjects(place: string, around: Around): boolean {
  const folders = around.folders.flatMap((folder) => [folder, around.realPath(folder)]);
  const places = [place, around.realPath(place)];
  return folders.some((folder) => places.some((one) => isInside(folder, one)));
}

function isInside(folder: string, place: string): boolean {
  const way = relative(folder, place);
  return way !== "" && !isAbsolute(way) && way.split(/[/\\]/)[0] !== "..";
}
