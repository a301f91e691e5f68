/** What the page shows of a conversation. Pure. */
import type { Kind } from "../server/failure";
import type { Attachment } from "./attachment";
import type { Conversation, Turn } from "./conversation";
import type { ShownAction, ShownBar, ShownChat, ShownFailure, ShownTurn } from "./wire";
import { footer, spent } from "./words";

/** Returns what a user may do about a failure. */
export type Actions = (kind: Kind) => readonly ShownAction[];

export function shownTurn(turn: Readonly<Turn>, actionsFor: Actions): ShownTurn {
  return {
    id: turn.id,
    question: turn.question.text,
    attached: turn.question.attached.map((one) => one.label),
    answer: turn.answer,
    state: turn.state,
    hint: turn.hint,
    footer: footer(turn),
    failure: shownFailure(turn, actionsFor),
  };
}

export function shownBar(conversation: Conversation, pending: readonly Attachment[]): ShownBar {
  return {
    model: conversation.model,
    spent: spent([...conversation.turns, ...conversation.replaced]),
    pending: pending.map(({ id, label }) => ({ id, label })),
  };
}

export function shownChat(
  conversation: Conversation,
  pending: readonly Attachment[],
  actionsFor: Actions,
): ShownChat {
  return {
    conversation: conversation.id,
    turns: conversation.turns.map((turn) => shownTurn(turn, actionsFor)),
    bar: shownBar(conversation, pending),
  };
}

function shownFailure(turn: Readonly<Turn>, actionsFor: Actions): ShownFailure | null {
  const { failure } = turn;
  if (!failure) return null;
  const actions = actionsFor(failure.kind).map(({ title, command }) => ({ title, command }));
  return {
    message: failure.message,
    hint: failure.hint ?? (turn.state === "cut" ? "Ask again." : null),
    actions,
  };
}
