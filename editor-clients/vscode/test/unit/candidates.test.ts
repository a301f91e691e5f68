import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, type Surroundings } from "../../src/server/candidates";
import { Failure } from "../../src/server/failure";

const INSTALLED = {
  command: ["/storage/server/bin/python", "-m", "farebox", "lsp"],
  found: "this extension's own",
};

function around(there: Partial<Surroundings> & { readonly executables?: readonly string[] }): Surroundings {
  return {
    command: null,
    variables: { PATH: "/usr/bin:/opt/bin" },
    folders: ["/code/project"],
    platform: "linux",
    isExecutable: (path) => there.executables?.includes(path) ?? false,
    realPath: (path) => path,
    installed: null,
    ...there,
  };
}

test("the setting comes first, then the environment, then what was installed, then the PATH", () => {
  const all = {
    command: ["/mine/farebox", "lsp"],
    variables: { PATH: "/usr/bin", FAREBOX_SERVER: "/env/farebox" },
    installed: INSTALLED,
    executables: ["/mine/farebox", "/env/farebox", "/usr/bin/farebox"],
  };
  assert.deepEqual(choose(around(all))?.command, ["/mine/farebox", "lsp"]);
  assert.deepEqual(choose(around({ ...all, command: null }))?.command, ["/env/farebox", "lsp"]);
  const without = { ...all, command: null, variables: { PATH: "/usr/bin" } };
  assert.deepEqual(choose(around(without)), INSTALLED);
  assert.deepEqual(choose(around({ ...without, installed: null }))?.command, ["/usr/bin/farebox", "lsp"]);
  assert.equal(choose(around({})), null);
});

test("a program inside an open folder is a project's, also through a link, and is not taken", () => {
  const path = "/code/project/.venv/bin/farebox";
  const variables = { PATH: "/code/project/.venv/bin:/links:/usr/bin" };
  const executables = [path, "/links/farebox", "/usr/bin/farebox"];
  const realPath = (one: string) => (one === "/links/farebox" ? path : one);
  assert.deepEqual(choose(around({ variables, executables, realPath }))?.command, [
    "/usr/bin/farebox",
    "lsp",
  ]);
});

test("a PATH is not read from the folder that one stands in", () => {
  const found = choose(
    around({ variables: { PATH: ".:bin::/usr/bin" }, executables: ["farebox", "bin/farebox"] }),
  );
  assert.equal(found, null);
});

test("what the user has named and is not there is an error that names it, and nothing else is started", () => {
  const cases = [
    { command: ["farebox", "lsp"] },
    { command: ["/gone/farebox"] },
    { variables: { FAREBOX_SERVER: "farebox", PATH: "/usr/bin" } },
    { variables: { FAREBOX_SERVER: "/gone/farebox", PATH: "/usr/bin" } },
  ];
  for (const one of cases) {
    assert.throws(
      () => choose(around({ ...one, installed: INSTALLED, executables: ["/usr/bin/farebox"] })),
      (error) => error instanceof Failure && error.kind === "noServer" && /farebox/i.test(error.message),
    );
  }
});
