import assert from "node:assert/strict";
import { test } from "node:test";
import { environmentOf } from "../../src/server/environment";

test("nothing by which a project's modules would be imported is handed on, and keys are", () => {
  const kept = environmentOf({
    PATH: "/usr/bin",
    OPENROUTER_API_KEY: "…",
    PYTHONPATH: "/code/project",
    PYTHONHOME: "/code/project",
    PYTHONSTARTUP: "/code/project/x.py",
    VIRTUAL_ENV: "/code/project/.venv",
    CONDA_PREFIX: "/conda",
    pythonpath: "/code/project",
  });
  assert.deepEqual(Object.keys(kept), ["PATH", "OPENROUTER_API_KEY"]);
});
