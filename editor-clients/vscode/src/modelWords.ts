/** How models are listed: what a million tokens cost, how much they read, and whether they can be asked. Pure. */
import { label } from "./plain";
import type { ModelShape, SetModelParams } from "./protocol";

export type Task = SetModelParams["task"];

/** Kinds of work that can have a model of their own. */
export const TASKS: readonly Task[] = [
  "chat",
  "complete",
  "explain",
  "generate",
  "edit",
  "fix",
  "tests",
  "document",
  "review",
  "plan",
  "apply",
  "commit",
  "title",
  "agent",
];

/** What chooses a model by itself. */
export const ROUTES: readonly { readonly id: string; readonly words: string }[] = [
  { id: "auto", words: "each piece of work goes to the model that it deserves" },
  { id: "auto:cheap", words: "the same, and cheaper ones first" },
  { id: "auto:balanced", words: "the same, between the two" },
  { id: "auto:quality", words: "the same, and better ones first" },
];

const STATES: Record<ModelShape["state"], string | null> = {
  ready: null,
  missingKey: "no key",
  badKey: "bad key",
  keyRejected: "key rejected",
  noAddress: "no address",
  notLocal: "not on this machine",
  unreachable: "unreachable",
  noModel: "no model",
};

export type ModelLine = { readonly label: string; readonly description: string };

/** Returns how a model is listed. */
export function modelLine(model: ModelShape): ModelLine {
  const words = [price(model), window(model.contextWindow), stateOf(model)];
  return { label: label(model.id), description: words.filter(Boolean).join(" · ") };
}

function price({ inputUsdPerMTok, outputUsdPerMTok }: ModelShape): string {
  if (inputUsdPerMTok === null || outputUsdPerMTok === null) return "price unknown";
  const [input, output] = [Number(inputUsdPerMTok), Number(outputUsdPerMTok)];
  if (!Number.isFinite(input + output)) return "price unknown";
  return input === 0 && output === 0 ? "free" : `$${input.toFixed(2)} in, $${output.toFixed(2)} out`;
}

function window(tokens: number | null): string | null {
  if (tokens === null) return null;
  if (tokens >= 1e6) return `reads ${Number((tokens / 1e6).toPrecision(3))}M`;
  return `reads ${Math.floor(tokens / 1e3)}k`;
}

function stateOf(model: ModelShape): string | null {
  // Another version may have states that this one does not know.
  return model.state in STATES ? STATES[model.state] : label(model.state);
}
