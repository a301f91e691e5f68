/**
 * The turns of one chat, and what the server is asked and tells of them. It knows of no page and of no editor.
 *
 * The client names the conversation and its turns and keeps them: a server that does not know it, because another one
 * died, is told them with the next question.
 */
import { randomUUID } from "node:crypto";
import { sendable } from "../plain";
import type {
  ChatEventParams,
  ChatParams,
  ChatResult,
  ConversationResult,
  CostShape,
  DoneEvent,
  EarlierTurn,
  RouteShape,
  TextAttachment,
  UsageShape,
} from "../protocol";
import { type Failure, failureOf } from "../server/failure";
import { type Attachment, type Sent, sentOf } from "./attachment";
import type { TurnState } from "./wire";

const MAX_HISTORY_TURNS = 150;
const MAX_HISTORY_CHARS = 4 * 1024 * 1024;
const UNKNOWN = "there is no conversation";

export type Task = NonNullable<ChatParams["task"]>;

export type Question = {
  readonly text: string;
  readonly attached: readonly Attachment[];
  readonly task: Task | null;
};

/** One question and its answer, so far. */
export type Turn = {
  readonly id: string;
  readonly question: Question;
  /** The turn that it has asked again. */
  readonly replaces: string | null;
  /** What was attached, as it was sent. */
  texts: readonly TextAttachment[];
  answer: string;
  state: TurnState;
  /** What is going on until there is text. */
  hint: string | null;
  finishReason: ChatResult["finishReason"] | null;
  route: RouteShape | null;
  usage: UsageShape | null;
  cost: CostShape | null;
  failure: Failure | null;
};

/** What a conversation needs of the server. */
export type Asked = {
  readonly isRunning: boolean;
  readonly generation: number;
  /** Throws a Failure; a `cancelled` one, and asks nothing, once the signal says so. */
  chat(params: ChatParams, signal: AbortSignal): Promise<ChatResult>;
};

export type Listener = {
  /** A turn is new, or has changed. */
  turn(turn: Turn): void;
  /** There is more of an answer. */
  text(turn: Turn, text: string): void;
  /** A turn was asked again, or its cost is known since. */
  removed(turn: Turn): void;
};

type Answering = { readonly turn: Turn; readonly stop: AbortController };

type Ending = Pick<DoneEvent, "finishReason" | "usage" | "cost"> & { readonly route?: RouteShape };

export class Conversation {
  /** What the user has chosen; null: whatever the settings say. */
  model: string | null = null;
  private shown: Turn[] = [];
  private dropped: Turn[] = [];
  private answering: Answering | null = null;
  private told = -1;

  constructor(
    private readonly server: Asked,
    private readonly listener: Listener,
    readonly id: string = newId(),
  ) {}

  get turns(): readonly Readonly<Turn>[] {
    return this.shown;
  }

  /** Those that were asked again: they have cost something too. */
  get replaced(): readonly Readonly<Turn>[] {
    return this.dropped;
  }

  get running(): Readonly<Turn> | null {
    return this.answering?.turn ?? null;
  }

  /** Takes over the turns that the server has. */
  load(found: ConversationResult): void {
    for (const one of found.turns) {
      if (one.replaces) this.drop(one.replaces);
      const turn = newTurn({ text: one.question, attached: [], task: null }, one.replaces ?? null, one.id);
      turn.answer = one.answer;
      turn.hint = null;
      turn.state = one.finishReason === "cancelled" ? "stopped" : "done";
      turn.finishReason = one.finishReason ?? null;
      turn.usage = one.usage ?? null;
      turn.cost = one.cost ?? null;
      this.shown.push(turn);
    }
    this.told = this.server.generation;
  }

  // --- asking -------------------------------------------------------------------------------------

  /** Asks a question, unless an answer is still coming. Resolves at its end. */
  async ask(question: Question, replaces: string | null = null): Promise<void> {
    if (this.answering) return;
    const turn = newTurn(question, replaces);
    const answering = { turn, stop: new AbortController() };
    this.shown.push(turn);
    this.answering = answering;
    this.listener.turn(turn);
    try {
      this.finish(turn, await this.answer(answering));
    } catch (error) {
      this.fail(turn, failureOf(error));
    }
  }

  /** Stops the answer that is coming. */
  stop(): void {
    if (!this.answering) return;
    const { turn, stop } = this.answering;
    stop.abort();
    this.close(turn, "stopped");
  }

  /** Asks the last question again. Its answer was not wanted. */
  async retry(): Promise<void> {
    this.stop();
    const last = this.shown.at(-1);
    if (!last) return;
    this.drop(last.id);
    this.listener.removed(last);
    await this.ask(last.question, last.id);
  }

  private async answer({ turn, stop }: Answering): Promise<ChatResult> {
    const sent = await sentOf(turn.question.attached);
    turn.texts = sent.texts;
    const isNew = !this.server.isRunning || this.told !== this.server.generation;
    try {
      return await this.server.chat(this.params(turn, sent, isNew), stop.signal);
    } catch (error) {
      if (!isForgotten(failureOf(error))) throw error;
    }
    return this.server.chat(this.params(turn, sent, true), stop.signal);
  }

  private params(turn: Turn, sent: Sent, tellsHistory: boolean): ChatParams {
    return {
      text: sendable(turn.question.text),
      conversation: this.id,
      turn: turn.id,
      attachments: [...sent.attachments],
      diagnostics: [...sent.diagnostics],
      ...(turn.replaces === null ? {} : { replaces: turn.replaces }),
      ...(this.model === null ? {} : { model: this.model }),
      ...(turn.question.task === null ? {} : { task: turn.question.task }),
      ...(tellsHistory ? { history: this.historyBefore(turn) } : {}),
    };
  }

  /** Returns the turns before one, oldest first: the newest, as many as the server takes and a model may be shown. */
  private historyBefore(turn: Turn): EarlierTurn[] {
    const history: EarlierTurn[] = [];
    let chars = 0;
    for (const earlier of this.shown.slice(0, this.shown.indexOf(turn)).reverse()) {
      if (earlier.answer === "") continue;
      chars += sizeOf(earlier);
      if (chars > MAX_HISTORY_CHARS || history.length === MAX_HISTORY_TURNS) break;
      history.unshift({
        id: earlier.id,
        text: sendable(earlier.question.text),
        attachments: [...earlier.texts],
        answer: sendable(earlier.answer),
      });
    }
    return history;
  }

  private drop(id: string): void {
    this.dropped.push(...this.shown.filter((turn) => turn.id === id));
    this.shown = this.shown.filter((turn) => turn.id !== id);
  }

  // --- what comes ---------------------------------------------------------------------------------

  /** Takes what the server tells of a turn. */
  hear(id: string, event: ChatEventParams["event"]): void {
    const turn = [...this.shown, ...this.dropped].find((one) => one.id === id);
    if (!turn) return;
    if (turn === this.answering?.turn) {
      this.told = this.server.generation;
      this.hearRunning(turn, event);
    } else if (event.type === "done") {
      note(turn, event);
      this.tell(turn);
    }
  }

  private hearRunning(turn: Turn, event: ChatEventParams["event"]): void {
    switch (event.type) {
      case "route":
        turn.route = event.route;
        this.hint(turn, `${event.route.model}…`);
        break;
      case "reasoning":
        if (turn.answer === "") this.hint(turn, "thinking…");
        break;
      case "retry":
        this.hint(turn, `attempt ${event.attempt} of ${event.maxAttempts} failed: ${event.error}`);
        break;
      case "text":
        this.add(turn, event.text);
        break;
      case "done":
        note(turn, event);
        break;
      case "toolCall":
        break;
    }
  }

  private hint(turn: Turn, hint: string): void {
    if (turn.hint === hint) return;
    turn.hint = hint;
    this.listener.turn(turn);
  }

  private add(turn: Turn, text: string): void {
    turn.answer += text;
    const isFirst = turn.hint !== null;
    turn.hint = null;
    if (isFirst) this.listener.turn(turn);
    else this.listener.text(turn, text);
  }

  private finish(turn: Turn, result: ChatResult): void {
    this.told = this.server.generation;
    turn.answer = result.text;
    note(turn, result);
    this.close(turn, "done");
  }

  private fail(turn: Turn, failure: Failure): void {
    if (turn !== this.answering?.turn) return;
    turn.failure = failure.kind === "cancelled" ? null : failure;
    this.close(turn, endOf(turn, failure));
  }

  /** Ends a turn, if it has not ended already. */
  private close(turn: Turn, state: TurnState): void {
    if (turn === this.answering?.turn) {
      turn.state = state;
      turn.hint = null;
      this.answering = null;
    }
    this.tell(turn);
  }

  private tell(turn: Turn): void {
    if (this.shown.includes(turn)) this.listener.turn(turn);
    else this.listener.removed(turn);
  }
}

/** Names a conversation or a turn. */
export function newId(): string {
  return randomUUID();
}

function newTurn(question: Question, replaces: string | null, id: string = newId()): Turn {
  return {
    id,
    question,
    replaces,
    texts: [],
    answer: "",
    state: "running",
    hint: "…",
    finishReason: null,
    route: null,
    usage: null,
    cost: null,
    failure: null,
  };
}

function note(turn: Turn, told: Ending): void {
  turn.usage = told.usage;
  turn.cost = told.cost;
  turn.route = told.route ?? turn.route;
  turn.finishReason = told.finishReason;
}

/** Says whether the server has to be told what was said so far, though it seemed to know. */
function isForgotten(failure: Failure): boolean {
  return failure.kind === "invalidParams" && failure.message.startsWith(UNKNOWN);
}

function endOf(turn: Turn, failure: Failure): TurnState {
  if (failure.kind === "cancelled") return "stopped";
  return failure.kind === "serverEnded" && turn.answer !== "" ? "cut" : "failed";
}

function sizeOf(turn: Turn): number {
  const attached = turn.texts.reduce((sum, one) => sum + one.text.length, 0);
  return turn.question.text.length + turn.answer.length + attached;
}
