import assert from "node:assert/strict";
import { test } from "node:test";
import { type Around, programs } from "../../src/server/programs";
import { isNewEnough, missing, pythonCommands, pythonOf } from "../../src/server/python";

function around(path: string, there: readonly string[], more: Partial<Around> = {}): Around {
  return {
    variables: { PATH: path, HOME: "/users/me" },
    folders: [],
    platform: "linux",
    isExecutable: (place) => there.includes(place),
    realPath: (place) => place,
    ...more,
  };
}

test("programs are found in the order of the PATH, and where desktops do not look", () => {
  const there = ["/usr/bin/uv", "/a/uv", "/users/me/.local/bin/uv"];
  assert.deepEqual(programs("uv", around("/a:/usr/bin", there)), [
    "/a/uv",
    "/usr/bin/uv",
    "/users/me/.local/bin/uv",
  ]);
});

test("on a Mac they are also found where an editor from the dock does not look", () => {
  const there = ["/usr/bin/python3", "/usr/local/bin/python3", "/opt/homebrew/bin/python3.13"];
  const mac = around("/usr/bin:/bin", there, { platform: "darwin" });
  assert.deepEqual(pythonCommands(mac), [["/opt/homebrew/bin/python3.13"], ["/usr/local/bin/python3"]]);
  assert.deepEqual(pythonCommands({ ...mac, platform: "linux" }), [["/usr/bin/python3"]]);
});

test("a relative folder of the PATH is never looked into", () => {
  assert.deepEqual(programs("python3", around(".:node_modules/.bin:", ["python3", "/python3"])), []);
});

test("what lies in an open folder, or leads there, is a project's", () => {
  const there = ["/code/shop/.venv/bin/python3", "/links/python3", "/usr/bin/python3"];
  const project = around("/code/shop/.venv/bin:/links:/usr/bin", there, {
    folders: ["/code/shop"],
    realPath: (place) => (place === "/links/python3" ? "/code/shop/tools/python3" : place),
  });
  assert.deepEqual(programs("python3", project), ["/usr/bin/python3"]);
});

test("the Pythons that are known to do are tried before the one that may be any", () => {
  const there = ["/usr/bin/python3", "/usr/bin/python3.12", "/usr/bin/python3.11"];
  assert.deepEqual(pythonCommands(around("/usr/bin", there)), [
    ["/usr/bin/python3.12"],
    ["/usr/bin/python3.11"],
    ["/usr/bin/python3"],
  ]);
});

test("a Python says what it is, and what is none says something else", () => {
  const python = pythonOf(["python3"], "farebox 3 12 1\n");
  assert.deepEqual(python, { command: ["python3"], version: [3, 12], hasVenv: true });
  assert.equal(
    pythonOf(["python"], "Python was not found; run without arguments to install from the Store"),
    null,
  );
});

test("3.11 is new enough, and 3.9 is not", () => {
  assert.ok(isNewEnough({ command: [], version: [3, 11], hasVenv: true }));
  assert.ok(!isNewEnough({ command: [], version: [3, 9], hasVenv: true }));
  assert.ok(!isNewEnough({ command: [], version: [2, 7], hasVenv: true }));
});

test("each thing that is missing has its own words, and says what to do", () => {
  const none = missing([]);
  assert.match(none.message, /no Python was found, and the server needs Python 3\.11/);
  assert.match(none.hint ?? "", /\[python\.org\]\(https:\/\/www\.python\.org\/downloads\/\)/);
  assert.match(missing([{ command: [], version: [3, 9], hasVenv: true }]).message, /Python 3\.9 is too old/);
  const bare = missing([{ command: [], version: [3, 12], hasVenv: false }]);
  assert.match(bare.hint ?? "", /sudo apt install python3\.12-venv/);
});
