/** The words under an answer and around a chat: what it cost, and why it went where it went. Pure. */
import { dollars } from "../dollars";
import { line } from "../plain";
import type { CostShape, UsageShape } from "../protocol";
import type { Turn } from "./conversation";

const TITLE_CHARS = 60;
const ENDS: Partial<Record<NonNullable<Turn["finishReason"]>, string>> = {
  length: "cut off at the longest answer allowed",
  contentFilter: "cut off by the provider's filter",
  cancelled: "stopped",
};

type Priced = Readonly<Pick<Turn, "state" | "cost">>;
/** What is known of an answer. */
type Answered = Priced & Readonly<Pick<Turn, "failure" | "route" | "usage" | "finishReason">>;

/** Says what something cost. */
export function price(cost: CostShape | null): string {
  const usd = amountOf(cost);
  if (cost === null || usd === null) return "cost unknown";
  if (usd === 0) return "free";
  return (cost.basis === "estimated" ? "~" : "") + dollars(cost.usd);
}

/** Returns what stands under an answer that has ended; nothing if nothing is known of it. */
export function footer(turn: Answered): readonly string[] {
  if (turn.state === "running") return [];
  if (turn.failure && (priceOf(turn) ?? "free") === "free") return [];
  const isStopped = turn.state === "stopped";
  return [
    isStopped ? "stopped" : null,
    turn.route?.model,
    turn.usage ? tokens(turn.usage) : null,
    priceOf(turn),
    !isStopped && turn.finishReason ? ENDS[turn.finishReason] : null,
    turn.route?.reason,
  ].flatMap((word) => (word ? [line(word)] : []));
}

/** Says what all of a chat has cost, also what was asked again; nothing before it has begun. */
export function spent(turns: readonly Priced[]): string {
  if (turns.length === 0) return "";
  const amounts = turns.map((turn) => amountOf(turn.cost));
  const usd = amounts.reduce<number>((sum, amount) => sum + (amount ?? 0), 0);
  const isUnknown = turns.some(
    (turn, at) => amounts[at] === null && (turn.cost !== null || turn.state === "cut"),
  );
  if (!isUnknown) return dollars(usd.toFixed(9));
  return usd > 0 ? `${dollars(usd.toFixed(9))} and unknown` : "cost unknown";
}

/** Returns the beginning of the first question. */
export function title(turns: readonly Readonly<Turn>[]): string {
  const first = turns[0];
  return first ? [...line(first.question.text)].slice(0, TITLE_CHARS).join("") : "New chat";
}

/** Returns `1 turn` or `3 turns`. */
export function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

/** What a turn has cost; one that was cut off may have cost something. Null while nothing is told of it. */
function priceOf(turn: Priced): string | null {
  return turn.cost || turn.state === "cut" ? price(turn.cost) : null;
}

function amountOf(cost: CostShape | null): number | null {
  const usd = cost?.usd ? Number(cost.usd) : Number.NaN;
  return Number.isFinite(usd) ? usd : null;
}

function tokens(usage: UsageShape): string {
  return `${usage.inputTokens} in, ${usage.outputTokens} out`;
}
