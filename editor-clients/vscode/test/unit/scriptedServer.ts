/** A server for conversations: it answers what a test says, when the test says so. */
import type { Attachment } from "../../src/chat/attachment";
import type { Asked } from "../../src/chat/conversation";
import type { ChatParams, ChatResult, CostShape, RouteShape, UsageShape } from "../../src/protocol";
import { Failure } from "../../src/server/failure";

export const ROUTE: RouteShape = {
  model: "openrouter/openai/gpt-4o-mini",
  provider: "openrouter",
  requested: "auto",
  task: "chat",
  phase: "act",
  complexity: "low",
  strategy: "balanced",
  taskFrom: "nothing",
  tier: "fast",
  evidence: [],
  reason: "an easy question",
  fallbackChain: [],
  candidates: [],
  estimate: { usd: null, baseline: null, baselineUsd: null, savedPercent: null },
};

export const USAGE: UsageShape = {
  inputTokens: 20,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 4,
  reasoningTokens: 0,
};

export function cost(usd: string | null, basis: CostShape["basis"] = "reported"): CostShape {
  return { usd, basis, baseline: null, baselineUsd: null, savedUsd: null };
}

const STOPPED = new Failure("cancelled", "it was stopped");

type Waiting = {
  readonly params: ChatParams;
  readonly signal: AbortSignal;
  readonly resolve: (result: ChatResult) => void;
  readonly reject: (failure: Failure) => void;
};

export class ScriptedServer implements Asked {
  isRunning = true;
  generation = 1;
  readonly asked: ChatParams[] = [];
  private waiting: Waiting[] = [];

  chat(params: ChatParams, signal: AbortSignal): Promise<ChatResult> {
    if (signal.aborted) return Promise.reject(STOPPED);
    this.asked.push(params);
    return new Promise((resolve, reject) => {
      this.waiting.push({ params, signal, resolve, reject });
      signal.addEventListener("abort", () => reject(STOPPED));
    });
  }

  /** Answers the oldest question that waits, once there is one. */
  async answer(text: string, more: Partial<ChatResult> = {}): Promise<void> {
    const { params, resolve } = await this.next();
    const [conversation, turn] = [params.conversation ?? "", params.turn ?? ""];
    const result = { conversation, turn, text, finishReason: "stop", route: ROUTE, usage: USAGE } as const;
    resolve({ ...result, cost: cost("0.000213"), ...more });
  }

  async refuse(failure: Failure): Promise<void> {
    (await this.next()).reject(failure);
  }

  /** Waits until a question is there. */
  async arrived(count = 1): Promise<void> {
    while (this.asked.length < count) await new Promise((resolve) => setImmediate(resolve));
  }

  private async next(): Promise<Waiting> {
    for (;;) {
      const one = this.waiting.find(({ signal }) => !signal.aborted);
      this.waiting = this.waiting.filter((other) => other !== one);
      if (one) return one;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

export function attachment(label: string, text = `the text of ${label}`): Attachment {
  const shape = { name: label, text };
  return {
    id: label,
    label,
    source: `file:///${label}`,
    sent: () => Promise.resolve({ attachments: [shape], diagnostics: [], texts: [shape] }),
    place: () => ({ uri: `file:///${label}`, lines: null }),
    dispose: () => {},
  };
}
