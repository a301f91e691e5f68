/** Finds the server to start, on this machine as it is now. */
import { settings } from "../settings";
import { choose } from "./candidates";
import { Failure } from "./failure";
import { type Installer, surroundings } from "./installer";
import type { Finder } from "./server";

/** Returns what finds it. Where an earlier version of this extension has installed one, so is this one's. */
export function finder(installer: Installer): Finder {
  return async () => {
    if (settings().command === null && installer.isOutdated()) return installer.install();
    const found = choose({
      ...surroundings(),
      command: settings().command,
      installed: installer.installed(),
    });
    if (found) return found;
    throw new Failure(
      "noServer",
      "it needs its server, a Python program, which is not on this machine yet",
      "It is installed into a folder of its own, never into your project.",
    );
  };
}
