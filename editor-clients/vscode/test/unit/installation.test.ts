/** With programs that stand for Python and uv; tests/editors/test_vscode_install.py has the real ones. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Failure } from "../../src/server/failure";
import { bundledWheel, hasEarlier, install, installed, type Wish } from "../../src/server/installation";
import { troubleOf } from "../../src/server/installationTrouble";

const isPosix = process.platform !== "win32";
const ROOT = mkdtempSync(join(tmpdir(), "farebox-installation-"));
after(() => rmSync(ROOT, { recursive: true, force: true }));

let count = 0;

function numbered(name: string): string {
  count += 1;
  return join(ROOT, `${name}-${count}`);
}

/** Makes an environment as `python -I -m venv FOLDER` does, with a Python that does what it is told. */
function maker(pip: string): string {
  const python = [
    "#!/bin/sh",
    'case "$*" in',
    `*pip*) ${pip};;`,
    "*--version*) echo farebox 0.1.0;;",
    "esac",
  ];
  const venv = [
    "#!/bin/sh",
    "for last; do :; done",
    'mkdir -p "$last/bin"',
    `cat > "$last/bin/python" <<'END'`,
    ...python,
    "END",
    'chmod +x "$last/bin/python"',
  ];
  const path = numbered("python");
  writeFileSync(path, `${venv.join("\n")}\n`);
  chmodSync(path, 0o755);
  return path;
}

function wish(pip: string, more: Partial<Wish> = {}): Wish {
  const folder = numbered("extension");
  mkdirSync(join(folder, "server"), { recursive: true });
  const wheel = join(folder, "server", "farebox-0.1.0-py3-none-any.whl");
  writeFileSync(wheel, folder);
  return {
    storage: numbered("storage"),
    wheel,
    maker: { kind: "python", command: [maker(pip)] },
    signal: new AbortController().signal,
    report: () => {},
    log: () => {},
    ...more,
  };
}

function left(one: Wish): readonly string[] {
  return readdirSync(join(one.storage, "server"));
}

async function failure(one: Wish): Promise<Failure> {
  return install(one).then(
    () => assert.fail("it was installed"),
    (error: unknown) => (error instanceof Failure ? error : assert.fail(String(error))),
  );
}

test("the wheel is found that the extension has brought, and no other file", () => {
  const one = wish("exit 0");
  assert.equal(bundledWheel(join(one.wheel, "..", "..")), one.wheel);
  assert.equal(bundledWheel(join(ROOT, "nowhere")), null);
});

test("what was installed is started by its own Python, and not again installed", {
  skip: !isPosix,
}, async () => {
  const one = wish("echo pip >> $(dirname $0)/pips");
  assert.equal(installed(one.storage, one.wheel), null);
  const launch = await install(one);
  assert.deepEqual(installed(one.storage, one.wheel), launch);
  assert.deepEqual(launch.command.slice(1), ["-I", "-m", "farebox", "lsp"]);
  assert.ok(existsSync(launch.command[0] ?? ""));
  assert.deepEqual(await install(one), launch);
});

test("another wheel of the same version is another installation, and the one before stays", {
  skip: !isPosix,
}, async () => {
  const one = wish("exit 0");
  await install(one);
  for (const text of ["second", "third"]) {
    writeFileSync(one.wheel, text);
    assert.equal(installed(one.storage, one.wheel), null);
    assert.ok(hasEarlier(one.storage));
    await install(one);
  }
  assert.equal(left(one).length, 2);
});

test("an installation that fails leaves nothing, and says why", { skip: !isPosix }, async () => {
  const one = wish("echo 'ERROR: No matching distribution found for pygls' >&2; exit 1");
  const told = await failure(one);
  assert.equal(told.message, "the server was not installed: ERROR: No matching distribution found for pygls");
  assert.deepEqual(left(one), []);
  assert.ok(!hasEarlier(one.storage));
});

test("a server that does not start is not installed", { skip: !isPosix }, async () => {
  const one = wish("rm $0");
  await failure(one);
  assert.deepEqual(left(one), []);
});

test("an installation that is stopped ends at once, with all that it has started", {
  skip: !isPosix,
}, async () => {
  const stopping = new AbortController();
  const one = wish("sleep 600 & wait", {
    signal: stopping.signal,
    report: (step) => {
      if (step.startsWith("installing")) setImmediate(() => stopping.abort());
    },
  });
  await assert.rejects(install(one), { name: "AbortError" });
  assert.deepEqual(left(one), []);
});

test("two windows at once have one installation", { skip: !isPosix }, async () => {
  const one = wish("exit 0");
  const launches = await Promise.all([install(one), install(one), install(one)]);
  assert.equal(new Set(launches.map((launch) => launch.command[0])).size, 1);
  assert.equal(left(one).length, 1);
});

test("what an installation has left that was killed is removed by the next one", {
  skip: !isPosix,
}, async () => {
  const one = wish("exit 0");
  const part = join(one.storage, "server", "farebox-0.1.0-abc.part-999999999-1");
  mkdirSync(part, { recursive: true });
  assert.ok(!hasEarlier(one.storage));
  await install(one);
  assert.ok(!existsSync(part));
});

test("an installation whose Python is gone is made anew", { skip: !isPosix }, async () => {
  const one = wish("exit 0");
  const { command } = await install(one);
  rmSync(command[0] ?? "");
  assert.equal(installed(one.storage, one.wheel), null);
  assert.deepEqual((await install(one)).command, command);
});

test("a password in an index's address is not logged", { skip: !isPosix }, async () => {
  const lines: string[] = [];
  await install(
    wish("echo Looking in indexes: https://me:hunter2@index.example/simple", {
      log: (line) => lines.push(line),
    }),
  );
  assert.ok(lines.some((line) => line.includes("https://…@index.example/simple")));
  assert.ok(!lines.join("\n").includes("hunter2"));
});

const SAID: readonly (readonly [string, RegExp])[] = [
  ["OSError: [Errno 28] No space left on device", /disk is full/],
  ["ENOSPC: no space left on device, mkdir '/x'", /disk is full/],
  [
    "The virtual environment was not created successfully because ensurepip is not available.",
    /lacks what makes/,
  ],
  [
    "Temporary failure in name resolution\nERROR: No matching distribution found for pygls",
    /could not be reached/,
  ],
  ["error: Failed to fetch: `https://index.example/simple/`", /could not be reached/],
  ["SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", /not trusted here/],
  ["EROFS: read-only file system, mkdir '/x'", /can't be written/],
  ["one\nERROR: something new\ntwo", /ERROR: something new$/],
  ["", /nobody says why/],
];

for (const [said, message] of SAID) {
  test(`"${said.slice(0, 40)}" is told in words: ${message.source}`, () => {
    assert.match(troubleOf(new Error(said)).message, message);
  });
}
