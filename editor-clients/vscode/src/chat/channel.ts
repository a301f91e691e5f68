/** What goes to the page, in order: the words of an answer are sent together with those of the next moment. Pure. */
import type { ToPage } from "./wire";

const WAIT_MS = 30;

type Waiting = { readonly turn: string; text: string; readonly timer: NodeJS.Timeout };

export class Channel {
  private waiting: Waiting | null = null;

  constructor(private readonly post: (message: ToPage) => void) {}

  send(message: ToPage): void {
    if (message.type === "text") this.hold(message.turn, message.text);
    else this.pass(message);
  }

  private pass(message: Exclude<ToPage, { type: "text" }>): void {
    // What follows has all of the text already.
    const isIncluded =
      message.type === "chat" || (message.type === "turn" && message.turn.id === this.waiting?.turn);
    if (isIncluded) this.forget();
    else this.flush();
    this.post(message);
  }

  /** Forgets what waits: nobody is there to read it. */
  forget(): void {
    clearTimeout(this.waiting?.timer);
    this.waiting = null;
  }

  private hold(turn: string, text: string): void {
    if (this.waiting?.turn === turn) {
      this.waiting.text += text;
      return;
    }
    this.flush();
    this.waiting = { turn, text, timer: setTimeout(() => this.flush(), WAIT_MS) };
  }

  private flush(): void {
    const { waiting } = this;
    if (!waiting) return;
    this.forget();
    this.post({ type: "text", turn: waiting.turn, text: waiting.text });
  }
}
