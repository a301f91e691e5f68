/** Where one writes a question: the box, what goes with it, and the model that it goes to. */
import type { ShownAttachment, ShownBar } from "../src/chat/wire";
import { element, iconButton, textButton } from "./element";
import { post } from "./host";
import { icon } from "./icon";

export class Composer {
  readonly element = element("form", { class: "composer", "aria-label": "Question" });
  private readonly chips = element("ul", { class: "chips", "aria-label": "attached to the question" });
  private readonly box = element("textarea", {
    rows: "1",
    placeholder: "Ask about your code",
    "aria-label": "Question. Enter sends, Shift+Enter begins a line",
  });
  private readonly model = textButton("default", "model", () => post({ type: "chooseModel" }));
  private readonly spent = element("span", { class: "spent", title: "What this chat has cost" });
  private readonly send = iconButton("send", "Send (Enter)", () => this.submit());
  private readonly stop = iconButton("stop", "Stop (Escape)", () => post({ type: "stop" }));
  private isRunning = false;
  /** Which question of `questions` is in the box, counted from the last. */
  private recalled = 0;

  constructor(private readonly questions: () => readonly string[]) {
    const attach = iconButton("attach", "Attach…", () => post({ type: "attach" }));
    this.send.classList.add("primary");
    this.stop.classList.add("primary");
    const bar = element("div", { class: "bar" }, attach, this.model, this.spent, this.send, this.stop);
    this.element.append(element("div", { class: "composer-box" }, this.chips, this.box, bar));
    this.element.addEventListener("submit", (event) => event.preventDefault());
    this.box.addEventListener("input", () => this.noteInput());
    this.box.addEventListener("keydown", (event) => this.press(event));
    this.showState();
  }

  show(bar: ShownBar): void {
    const name = bar.model ?? "default";
    this.model.replaceChildren(element("span", { class: "model-name" }, name), icon("fold"));
    this.model.title = bar.model === null ? "Chosen for each question. Choose a model" : "Choose a model";
    this.model.setAttribute("aria-label", `Model: ${name}`);
    this.spent.textContent = bar.spent;
    const hadFocus = this.chips.contains(document.activeElement);
    this.chips.replaceChildren(...bar.pending.map(chip));
    if (hadFocus) this.focus();
  }

  showRunning(isRunning: boolean): void {
    const hadFocus = document.activeElement === this.send || document.activeElement === this.stop;
    this.isRunning = isRunning;
    this.showState();
    if (hadFocus) this.focus();
  }

  /** Puts text before what is being typed. */
  put(text: string): void {
    const typed = this.box.value;
    this.fill(typed === "" ? text : `${text}\n${typed}`);
  }

  focus(): void {
    this.box.focus();
  }

  private fill(text: string): void {
    this.box.value = text;
    this.box.setSelectionRange(text.length, text.length);
    this.noteDraft();
  }

  private noteInput(): void {
    this.recalled = 0;
    this.noteDraft();
  }

  /** The extension keeps what is being typed: this page is gone as soon as nobody sees it. */
  private noteDraft(): void {
    post({ type: "typed", text: this.box.value });
    this.showState();
  }

  private showState(): void {
    this.send.disabled = this.box.value.trim() === "";
    this.send.hidden = this.isRunning;
    this.stop.hidden = !this.isRunning;
  }

  private submit(): void {
    const text = this.box.value.trim();
    if (text === "" || this.isRunning) return;
    this.recalled = 0;
    this.fill("");
    post({ type: "send", text });
  }

  private press(event: KeyboardEvent): void {
    // An input method takes Enter and the arrows for itself.
    if (event.isComposing) return;
    const isPlain = !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.submit();
    } else if (isPlain && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      if (this.recall(event.key === "ArrowUp" ? 1 : -1)) event.preventDefault();
    }
  }

  /** Goes through the questions that were asked; only from an empty box, or from one of them as it was. */
  private recall(step: 1 | -1): boolean {
    const questions = this.questions();
    if (this.recalled === 0 && (this.box.value !== "" || step < 0)) return false;
    const next = Math.min(this.recalled + step, questions.length);
    this.fill(next === 0 ? "" : (questions.at(-next) ?? ""));
    this.recalled = next;
    return true;
  }
}

function chip(attached: ShownAttachment): HTMLElement {
  const remove = iconButton("close", `Remove ${attached.label}`, () =>
    post({ type: "detach", id: attached.id }),
  );
  const text = element("span", { class: "chip-text" }, attached.label);
  return element("li", { class: "chip", title: attached.label }, icon("file"), text, remove);
}
