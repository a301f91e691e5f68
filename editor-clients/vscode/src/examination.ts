/** What the server's doctor has found, as a page for a person to read, and to copy. Pure. */
import { escaped } from "./markdown";
import type { CheckShape } from "./protocol";

/** What the server can't know. */
export type Facts = {
  readonly extension: string;
  readonly editor: string;
  readonly isTrusted: boolean;
};

const STATES: Readonly<Record<CheckShape["state"], string>> = {
  error: "To do",
  warning: "To consider",
  ok: "In order",
};

/** Returns markdown: what is wrong first, each with what to do about it. */
export function page(checks: readonly CheckShape[], facts: Facts): string {
  const sections = (["error", "warning", "ok"] as const).flatMap((state) => section(state, checks));
  return (
    ["# farebox: the set-up", summary(checks), ...sections, "## This editor", about(facts)].join("\n\n") +
    "\n"
  );
}

function summary(checks: readonly CheckShape[]): string {
  const wrong = checks.filter((one) => one.state === "error").length;
  const doubtful = checks.filter((one) => one.state === "warning").length;
  if (wrong + doubtful === 0) return "All is in order.";
  return `${counted(wrong, "error")}, ${counted(doubtful, "warning")}, ${checks.length - wrong - doubtful} in order.`;
}

function counted(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

function section(state: CheckShape["state"], checks: readonly CheckShape[]): readonly string[] {
  const found = checks.filter((one) => one.state === state);
  return found.length === 0 ? [] : [`## ${STATES[state]}`, found.map(item).join("\n")];
}

function item(check: CheckShape): string {
  const said = `- **${escaped(check.name)}** — ${escaped(check.message)}`;
  return check.hint === "" ? said : `${said}\n  \n  ${escaped(check.hint)}\n`;
}

function about(facts: Facts): string {
  const trust = facts.isTrusted ? "trusted" : "not trusted: nothing is sent, and no file of it is read";
  return [
    `- **extension** — farebox ${escaped(facts.extension)}`,
    `- **editor** — ${escaped(facts.editor)}`,
    `- **workspace** — ${trust}`,
  ].join("\n");
}
