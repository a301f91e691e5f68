/**
 * How farebox stands: from what the server tells to what the status item says. Pure.
 *
 * It adds up nothing: every figure is the server's.
 */
import { dollars } from "../dollars";
import { escaped } from "../markdown";
import { label } from "../plain";
import type { BudgetShape, StatusParams } from "../protocol";
import type { Settings } from "../settings";

/** `on`: the server is there, and has told `said`, if anything yet. What was told last outlives the server. */
export type Standing = {
  readonly phase: "starting" | "on" | "off";
  readonly said: StatusParams | null;
  /** Why there is no server. */
  readonly why: string | null;
};

export type News =
  | { readonly type: "ready" }
  | { readonly type: "ended"; readonly why: string }
  | { readonly type: "told"; readonly params: StatusParams };

export type Severity = "none" | "warning" | "error";

/** What the status item shows. `label` is for who does not see it. */
export type Shown = {
  readonly text: string;
  readonly label: string;
  readonly tooltip: string;
  readonly severity: Severity;
  readonly isHidden: boolean;
  readonly command: "farebox.showCosts" | "farebox.showMenu";
};

export const STARTING: Standing = { phase: "starting", said: null, why: null };

/** The commands that the tooltip may link to. */
export const LINKED = ["farebox.showCosts", "farebox.openChat", "farebox.showMenu"] as const;

const MAX_NAME = 32;
const LINKS =
  "[Show Costs](command:farebox.showCosts) · [Open Chat](command:farebox.openChat) · [All Actions](command:farebox.showMenu)";

const ICONS: Readonly<Record<StatusParams["state"] | "starting" | "off", string>> = {
  ready: "tag",
  busy: "loading~spin",
  offline: "debug-disconnect",
  budget: "circle-slash",
  error: "error",
  inactive: "debug-pause",
  starting: "loading~spin",
  off: "circle-slash",
};

/** Returns how farebox stands after something was heard. */
export function next(standing: Standing, news: News): Standing {
  switch (news.type) {
    case "ready":
      return {
        phase: "on",
        said: standing.said && { ...standing.said, state: "ready", message: "ready" },
        why: null,
      };
    case "ended":
      return { ...standing, phase: "off", why: news.why };
    case "told":
      return { phase: "on", said: merged(standing.said, news.params), why: null };
  }
}

/** While a request runs nobody knows its model yet: the one before is still shown. */
function merged(before: StatusParams | null, told: StatusParams): StatusParams {
  const model = told.model ?? (told.state === "busy" ? before?.model : null) ?? null;
  return { ...told, model };
}

/** Returns what a standing looks like. */
export function shown(standing: Standing, setting: Settings["statusItem"]): Shown {
  const severity = severityOf(standing);
  const state = stateOf(standing);
  const isWell = state === "ready" || state === "busy";
  return {
    text: `$(${ICONS[state]}) ${textOf(standing, setting)}`,
    label: labelOf(standing),
    tooltip: tooltipOf(standing),
    severity,
    isHidden: setting === "hidden" && severity === "none",
    command: isWell ? "farebox.showCosts" : "farebox.showMenu",
  };
}

/** Returns what there is to know, in a few words: `ready`, or what is wrong. */
export function messageOf(standing: Standing): string {
  switch (standing.phase) {
    case "starting":
      return "the server is starting";
    case "off":
      return standing.why ?? "the server is not running";
    case "on":
      return standing.said?.message ?? "ready";
  }
}

function stateOf(standing: Standing): keyof typeof ICONS {
  return standing.phase === "on" ? (standing.said?.state ?? "ready") : standing.phase;
}

function severityOf(standing: Standing): Severity {
  const state = stateOf(standing);
  switch (state) {
    case "budget":
    case "error":
    case "off":
      return "error";
    case "offline":
      return "warning";
    case "ready":
    case "busy":
    case "inactive":
    case "starting":
      return budgetSeverity(standing.said?.budgets ?? []);
  }
}

/** Whether a budget stops everything the server says by its state. */
function budgetSeverity(budgets: readonly BudgetShape[]): Severity {
  return budgets.some((one) => one.step !== "ok" || one.unchecked) ? "warning" : "none";
}

function textOf(standing: Standing, setting: Settings["statusItem"]): string {
  const { said } = standing;
  const money = said?.todayUsd ? dollars(said.todayUsd) : "farebox";
  const model =
    setting === "costAndModel" && standing.phase === "on" && said?.model ? shortName(said.model) : "";
  return model === "" ? money : `${money} · ${model}`;
}

/** Returns the model's own name. */
function shortName(model: string): string {
  const name = label(model.split("/").at(-1) ?? model);
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name;
}

function labelOf(standing: Standing): string {
  const { said } = standing;
  const money = said?.todayUsd ? `${dollars(said.todayUsd)} today` : "";
  const model = standing.phase === "on" && said?.model ? `model ${shortName(said.model)}` : "";
  return `farebox: ${[money, model, messageOf(standing)].filter((word) => word !== "").join(", ")}`;
}

function tooltipOf(standing: Standing): string {
  const { said } = standing;
  const model = said?.model ? [`Model: ${escaped(said.model)}`] : [];
  const message = `**farebox** — ${escaped(messageOf(standing))}`;
  return [message, ...money(said), ...model, LINKS].join("\n\n");
}

function money(said: StatusParams | null): readonly string[] {
  if (!said?.todayUsd) return [];
  const head = ["| | spent | limit | begins anew |", "|:--|--:|--:|:--|"];
  const today = row("today", dollars(said.todayUsd), "", "");
  return [[...head, today, ...(said.budgets ?? []).map(budgetRow)].join("\n")];
}

function budgetRow(budget: BudgetShape): string {
  const share = budget.percent === null ? "" : ` (${budget.percent} %)`;
  const spent = budget.unchecked ? "not known" : `${dollars(budget.spentUsd)}${share}`;
  return row(`${budget.name} budget`, spent, dollars(budget.limitUsd), minuteOf(budget.resetsAt));
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map(escaped).join(" | ")} |`;
}

/** Returns a time without what nobody reads of it: `2026-11-24 00:00`. */
function minuteOf(time: string): string {
  return time.slice(0, "2026-11-24T00:00".length).replace("T", " ");
}
