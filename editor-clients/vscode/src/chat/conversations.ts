/** The chats of this window, the newest first, and which of them is shown. They are kept in memory only. Pure. */
import type { ChatEventParams, ConversationResult } from "../protocol";
import { type Attachment, MAX_ATTACHMENTS } from "./attachment";
import { type Asked, Conversation, type Listener, type Turn } from "./conversation";

/** One chat: what was said, and what goes with the next question. */
export type Chat = { readonly conversation: Conversation; pending: readonly Attachment[] };

/** Something has happened in a chat, which need not be the one that is shown. */
export type Change =
  | { readonly type: "turn" | "removed"; readonly chat: Chat; readonly turn: Readonly<Turn> }
  | { readonly type: "text"; readonly chat: Chat; readonly turn: Readonly<Turn>; readonly text: string };

export class Conversations {
  private chats: readonly Chat[] = [];
  private shown: Chat;

  constructor(
    private readonly server: Asked,
    private readonly changed: (change: Change) => void,
  ) {
    this.shown = this.add();
  }

  get all(): readonly Chat[] {
    return this.chats;
  }

  get current(): Chat {
    return this.shown;
  }

  /** Goes to a new chat; the newest, if nothing was said there yet. */
  begin(): void {
    const [newest] = this.chats;
    this.shown = newest && isUnused(newest) ? newest : this.add();
  }

  show(chat: Chat): void {
    this.shown = chat;
  }

  /** Goes to a chat that the server has. */
  load(found: ConversationResult): void {
    const known = this.chats.find((chat) => chat.conversation.id === found.id);
    this.shown = known ?? this.add(found.id);
    if (!known) this.shown.conversation.load(found);
  }

  /** Forgets a chat. */
  remove(id: string): void {
    const chat = this.chats.find((one) => one.conversation.id === id);
    if (!chat) return;
    chat.conversation.stop();
    const { turns, replaced } = chat.conversation;
    const attached = [...turns, ...replaced].flatMap((turn) => turn.question.attached);
    for (const one of [...chat.pending, ...attached]) one.dispose();
    this.chats = this.chats.filter((one) => one !== chat);
    if (chat === this.shown) this.shown = this.chats[0] ?? this.add();
  }

  /** Puts something to the next question of the shown chat. Says whether there is room. */
  attach(attachment: Attachment): boolean {
    const others = this.shown.pending.filter(
      (one) => one.label !== attachment.label || one.source !== attachment.source,
    );
    if (others.length >= MAX_ATTACHMENTS) return false;
    this.shown.pending = [...others, attachment];
    return true;
  }

  detach(id: string): void {
    this.shown.pending.find((one) => one.id === id)?.dispose();
    this.shown.pending = this.shown.pending.filter((one) => one.id !== id);
  }

  /** Returns what goes with the question that is asked now, and nothing with the one after it. */
  takePending(): readonly Attachment[] {
    const { pending } = this.shown;
    this.shown.pending = [];
    return pending;
  }

  /** Takes what the server tells, of whichever chat; the native chat's are none of ours. */
  hear({ conversation, turn, event }: ChatEventParams): void {
    this.chats.find((chat) => chat.conversation.id === conversation)?.conversation.hear(turn, event);
  }

  private add(id?: string): Chat {
    const listener: Listener = {
      turn: (turn) => this.changed({ type: "turn", chat, turn }),
      text: (turn, text) => this.changed({ type: "text", chat, turn, text }),
      removed: (turn) => this.changed({ type: "removed", chat, turn }),
    };
    const chat: Chat = { conversation: new Conversation(this.server, listener, id), pending: [] };
    this.chats = [chat, ...this.chats];
    return chat;
  }
}

function isUnused(chat: Chat): boolean {
  return chat.conversation.turns.length === 0;
}
