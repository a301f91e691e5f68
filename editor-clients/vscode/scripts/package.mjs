// Packages the extension: node scripts/package.mjs [--out FILE.vsix]
// The Python that makes the server's wheel is FAREBOX_PYTHON, or python3; where it lacks hatchling, pip brings that.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const REPOSITORY = join(ROOT, "..", "..");
const { values } = parseArgs({
  options: {
    out: { type: "string", default: join(ROOT, "farebox.vsix") },
  },
});

/** What users get is put together in a folder of its own: nothing else can slip in. */
function stage(folder) {
  const {
    scripts: _,
    devDependencies: __,
    ...manifest
  } = JSON.parse(readFileSync(join(ROOT, "package.json")));
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest, null, 2));
  copyFileSync(join(REPOSITORY, "LICENSE"), join(folder, "LICENSE"));
  copyFileSync(join(ROOT, "README.md"), join(folder, "README.md"));
  cpSync(join(ROOT, "media"), join(folder, "media"), { recursive: true });
  run(process.execPath, [join(ROOT, "scripts", "build.mjs"), "--production", "--out", join(folder, "dist")]);
  mkdirSync(join(folder, "server"));
  const python = process.env.FAREBOX_PYTHON ?? (process.platform === "win32" ? "python" : "python3");
  const target = join(folder, "server");
  const words = hasHatchling(python)
    ? ["-m", "hatchling", "build", "-t", "wheel", "-d", target]
    : ["-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", target, "."];
  run(python, words, REPOSITORY);
}

function hasHatchling(python) {
  return spawnSync(python, ["-c", "import hatchling"]).status === 0;
}

function run(program, words, cwd = ROOT) {
  execFileSync(program, words, { cwd, stdio: ["ignore", "inherit", "inherit"] });
}

const folder = mkdtempSync(join(tmpdir(), "farebox-vsix-"));
try {
  stage(folder);
  const vsce = join(ROOT, "node_modules", "@vscode", "vsce", "vsce");
  run(process.execPath, [vsce, "package", "--no-dependencies", "--out", resolve(values.out)], folder);
} finally {
  rmSync(folder, { recursive: true });
}
