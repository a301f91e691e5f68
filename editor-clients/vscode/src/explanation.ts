/** Why a suggestion or an answer was what it was, for a person to read. What is not known is left out. Pure. */
import { line } from "./plain";
import type {
  AttemptShape,
  CandidateShape,
  CostShape,
  ExplainResult,
  RouteShape,
  UsageShape,
} from "./protocol";

const LABEL_WIDTH = 10;
const BASES: Partial<Record<CostShape["basis"], string>> = {
  reported: "as the provider has reported it",
  computed: "computed from the price table",
  estimated: "estimated",
};
const GROUNDS: Record<RouteShape["taskFrom"], string> = {
  asked: "as it was asked",
  facts: "told by what came with it",
  words: "told by its words",
  nothing: "for want of a better one",
};

type Word = string | null | undefined;

/** Writes an explanation as plain text. */
export function explanation(answer: ExplainResult): string {
  const { route, usage, cost } = answer;
  const lines = [
    headline(answer),
    "",
    row("Why", answer.reason),
    row("Source", answer.source),
    row("Silence", answer.silence),
    ...(route ? routeRows(route) : []),
    usage ? row("Tokens", tokens(usage)) : null,
    ...(cost ? costRows(cost) : []),
    row("Time", times(answer)),
    answer.snippets ? row("Context", `${answer.snippets} pieces of other files`) : null,
    ...attempts(route?.attempts ?? []),
    ...candidates(route?.candidates ?? []),
  ];
  return `${lines.filter((one) => one !== null).join("\n")}\n`;
}

function headline(answer: ExplainResult): string {
  if (answer.kind === "turn") return "An answer of the chat";
  if (answer.silence) return "No suggestion";
  if (answer.accepted) return "A suggestion, which was accepted";
  return answer.shown ? "A suggestion, which was shown" : "A suggestion, which was not shown";
}

function row(name: string, value: Word): string | null {
  return value ? `${name.padEnd(LABEL_WIDTH)} ${line(value)}` : null;
}

function joined(separator: string, ...words: readonly Word[]): string | null {
  return words.filter(Boolean).join(separator) || null;
}

function dollars(usd: string | null | undefined): string | null {
  return usd ? `$${usd}` : null;
}

/** Returns how long something took, such as `375 ms` or `2.4 s`. */
function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function routeRows(route: RouteShape): readonly (string | null)[] {
  const task = joined(", ", route.task, GROUNDS[route.taskFrom]);
  const weight = joined(", ", `${route.complexity} complexity`, route.tier && `${route.tier} tier`);
  return [
    row("Model", joined(", ", route.model, `sold by ${route.provider}`)),
    row("Asked for", joined(", ", route.requested, `strategy ${route.strategy}`)),
    row("Task", joined("; ", task, weight)),
    row("Lifted by", route.evidence.join(", ")),
  ];
}

function tokens(usage: UsageShape): string | null {
  const { inputTokens, cachedInputTokens, outputTokens, reasoningTokens } = usage;
  if (inputTokens + outputTokens === 0) return null;
  const cached = cachedInputTokens > 0 ? ` (${cachedInputTokens} of them cached)` : "";
  const reasoning = reasoningTokens > 0 ? ` (${reasoningTokens} of them reasoning)` : "";
  return `${inputTokens} in${cached}, ${outputTokens} out${reasoning}`;
}

function costRows(cost: CostShape): readonly (string | null)[] {
  const saved = dollars(cost.savedUsd);
  const whole = dollars(cost.baselineUsd);
  const isWhole = saved && whole && cost.baseline;
  return [
    row("Cost", joined(", ", dollars(cost.usd), BASES[cost.basis]) ?? "unknown: no price is known"),
    row("Saved", isWhole ? compared(cost.savedUsd, `${whole} that ${cost.baseline} would have cost`) : saved),
  ];
}

/** Says what was saved of something, or how much more it was. */
function compared(savedUsd: string | null, whole: string): string {
  const isMore = savedUsd?.startsWith("-") ?? false;
  return isMore
    ? `nothing: ${dollars(savedUsd?.slice(1))} more than the ${whole}`
    : `${dollars(savedUsd)} of the ${whole}`;
}

function times(answer: ExplainResult): string | null {
  const after = (words: string, ms: number | null | undefined) =>
    ms === null || ms === undefined ? null : `${words} ${duration(ms)}`;
  const model = joined(
    ", ",
    after("first token after", answer.firstTokenMs),
    after("whole after", answer.totalMs),
  );
  return joined("; ", model, answer.waitedMs ? after("the editor waited", answer.waitedMs) : null);
}

function attempts(tried: readonly AttemptShape[]): readonly string[] {
  if (tried.length === 0) return [];
  const rows = tried.map((one) => [one.outcome, one.model, `after ${duration(one.ms)}`]);
  return ["", "Tried", ...columns(rows)];
}

/** Returns the models that were looked at. One reason often stands for many of them, and is said once. */
function candidates(considered: readonly CandidateShape[]): readonly string[] {
  return runs(considered).flatMap((run) => {
    const rows = run.map((one) => {
      const atMost = dollars(one.estimatedUsd);
      return [one.verdict, one.model, atMost ? `at most ${atMost}` : ""];
    });
    const why = line(run[0]?.why ?? "");
    return ["", why ? `Considered: ${why}` : "Considered", ...columns(rows)];
  });
}

/** Splits candidates where the reason changes. */
function runs(considered: readonly CandidateShape[]): readonly (readonly CandidateShape[])[] {
  const found: CandidateShape[][] = [];
  for (const one of considered) {
    const last = found.at(-1);
    if (last?.[0]?.why === one.why) last.push(one);
    else found.push([one]);
  }
  return found;
}

function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const cells = rows.map((cells) => cells.map(line));
  const width = (at: number) => Math.max(...cells.map((row) => row[at]?.length ?? 0));
  return cells.map((row) => `  ${row.map((cell, at) => cell.padEnd(width(at))).join("  ")}`.trimEnd());
}
