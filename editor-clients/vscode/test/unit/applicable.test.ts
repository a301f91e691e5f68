import assert from "node:assert/strict";
import { test } from "node:test";
import { isApplicable } from "../../src/chat/applicable";

test("commands to type, differences and output are no part of a program", () => {
  for (const block of ["sh", "Bash", "console", "powershell", "diff", "patch", "output"]) {
    assert.equal(isApplicable(block, "python"), false, block);
  }
});

test("they may well be a part of a script, or of text", () => {
  assert(isApplicable("sh", "shellscript"));
  assert(isApplicable("bash", "dockerfile"));
  assert(isApplicable("diff", "diff"));
  for (const block of ["sh", "diff", "output"]) assert(isApplicable(block, "markdown"), block);
});

test("code may be named in any way, or not at all", () => {
  for (const block of ["", "python", "py", "python3", "tsx", "pseudocode"])
    assert(isApplicable(block, "python"), block);
});
