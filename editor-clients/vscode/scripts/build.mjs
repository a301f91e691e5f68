// Bundles the extension and the chat's page: node scripts/build.mjs [--out FOLDER] [--production] [--tests]
import { readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const { values } = parseArgs({
  options: {
    out: { type: "string", default: join(ROOT, "dist") },
    production: { type: "boolean", default: false },
    tests: { type: "boolean", default: false },
  },
});
const out = resolve(values.out);

const shared = {
  absWorkingDir: ROOT,
  bundle: true,
  logLevel: "warning",
  minify: values.production,
  sourcemap: values.production ? false : "inline",
};
/** The language client is four fifths of the code, and loaded only when the server starts: it is a file of its own. */
const later = {
  name: "later",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/client$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: "./client.js", external: true } : undefined,
    );
  },
};
const host = { ...shared, platform: "node", format: "cjs", target: "node20", external: ["vscode"] };
const page = { ...shared, platform: "browser", format: "iife", target: "chrome128" };

function entries(folder, suffix) {
  const names = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith(suffix));
  return names.map((name) => join(folder, name));
}

const builds = values.tests
  ? [
      build({ ...host, entryPoints: entries("test/unit", ".test.ts"), outdir: join(out, "unit") }),
      build({ ...host, entryPoints: entries("test/host", ".ts"), outdir: join(out, "host") }),
    ]
  : [
      build({ ...host, entryPoints: ["src/extension.ts"], outdir: out, plugins: [later] }),
      build({ ...host, entryPoints: ["src/server/client.ts"], outdir: out }),
      build({ ...page, entryPoints: ["webview/chat.ts"], outdir: out }),
    ];
await Promise.all(builds);
