/** The turns of the chat, one below the other. It stays at its end only while the user is there. */
import type { ShownTurn, TurnState } from "../src/chat/wire";
import { announce } from "./announcer";
import { element, iconButton } from "./element";
import { TurnView } from "./turn";
import { welcome } from "./welcome";

const END_PX = 24;

const ENDS: Readonly<Record<Exclude<TurnState, "running">, string>> = {
  done: "The answer is complete.",
  stopped: "The answer is stopped.",
  failed: "There is no answer.",
  cut: "The answer is cut off.",
};

export class Transcript {
  readonly element = element("main", { class: "transcript" });
  private readonly log = element("div", {
    class: "log",
    role: "log",
    tabindex: "0",
    "aria-label": "Chat",
    "aria-live": "polite",
  });
  private readonly toEnd = iconButton("down", "Go to the end", () => this.goToEnd());
  private readonly turns = new Map<string, TurnView>();
  private readonly unwritten = new Set<TurnView>();
  private isAtEnd = true;
  private lastTop = 0;

  constructor(private readonly changed: (isRunning: boolean) => void) {
    this.toEnd.classList.add("to-end");
    this.element.append(this.log, this.toEnd);
    this.log.addEventListener("scroll", () => this.noteScroll(), { passive: true });
    new ResizeObserver(() => this.follow()).observe(this.log);
    this.settle();
  }

  get isRunning(): boolean {
    return [...this.turns.values()].some((one) => one.state === "running");
  }

  /** Returns the questions that were asked, oldest first. */
  get questions(): readonly string[] {
    return [...this.turns.values()].map((one) => one.asked);
  }

  show(turns: readonly ShownTurn[]): void {
    this.turns.clear();
    this.unwritten.clear();
    this.lastTop = 0;
    this.log.replaceChildren();
    for (const turn of turns) this.append(turn);
    this.settle();
    this.goToEnd();
  }

  put(turn: ShownTurn): void {
    const shown = this.turns.get(turn.id);
    if (shown === undefined) {
      this.append(turn);
      this.isAtEnd = true;
    } else {
      const wasRunning = shown.state === "running";
      shown.show(turn);
      if (wasRunning && turn.state !== "running")
        announce(`${ENDS[turn.state]} ${shown.failed ?? ""}`.trim());
    }
    this.settle();
  }

  addText(id: string, text: string): void {
    const turn = this.turns.get(id);
    if (turn === undefined) return;
    turn.add(text);
    this.unwritten.add(turn);
    if (this.unwritten.size === 1) requestAnimationFrame(() => this.write());
  }

  remove(id: string): void {
    this.turns.get(id)?.element.remove();
    this.turns.delete(id);
    this.settle();
  }

  private append(turn: ShownTurn): void {
    if (this.turns.size === 0) this.log.replaceChildren();
    const made = new TurnView(turn);
    this.turns.set(turn.id, made);
    this.log.append(made.element);
  }

  private write(): void {
    for (const turn of this.unwritten) turn.write();
    this.unwritten.clear();
    this.follow();
  }

  private settle(): void {
    if (this.turns.size === 0) this.log.replaceChildren(welcome());
    this.log.setAttribute("aria-busy", String(this.isRunning));
    this.follow();
    this.changed(this.isRunning);
  }

  /** Only who goes up has left the end: a view that shrinks, or an answer that grows, takes nobody away from it. */
  private noteScroll(): void {
    const top = this.log.scrollTop;
    const below = this.log.scrollHeight - top - this.log.clientHeight;
    if (below < END_PX) this.isAtEnd = true;
    else if (top < this.lastTop) this.isAtEnd = false;
    this.lastTop = top;
    this.toEnd.classList.toggle("is-shown", !this.isAtEnd);
  }

  private follow(): void {
    if (this.isAtEnd) this.log.scrollTop = this.log.scrollHeight;
    this.noteScroll();
  }

  private goToEnd(): void {
    this.isAtEnd = true;
    this.follow();
  }
}
