/** One question and its answer on the page. */
import type { ShownFailure, ShownTurn, TurnState } from "../src/chat/wire";
import { showCopied } from "./codeBlock";
import { element, iconButton, textButton, unseen } from "./element";
import { post } from "./host";
import { icon } from "./icon";
import { Growing } from "./markdown/growing";
import { type Actions, patch } from "./markdown/render";
import type { Block } from "./markdown/tree";

/** No line begins with the dot. */
const SEPARATOR = "\u00a0· ";

export class TurnView {
  readonly element = element("article", { class: "turn" });
  private readonly question = element("div", { class: "question" });
  private readonly attached = element("ul", { class: "attached", "aria-label": "attached" });
  private readonly answer = element("div", { class: "answer" });
  private readonly hint = element("div", { class: "hint" });
  private readonly failure = element("div", { class: "failure" });
  private readonly footer = element("footer", { class: "turn-footer" });
  private growing = new Growing();
  private blocks: readonly Block[] = [];
  /** All that is known of the answer; what of it is not drawn yet is `unwritten`. */
  private text = "";
  private unwritten = "";

  constructor(private turn: ShownTurn) {
    const heading = unseen("h2", "You");
    const asked = element("section", { class: "asked" }, heading, this.question, this.attached);
    const answered = element(
      "section",
      { class: "answered" },
      unseen("h2", "farebox"),
      this.answer,
      this.hint,
    );
    answered.append(this.failure, this.footer);
    this.element.append(asked, answered);
    this.show(turn);
  }

  get state(): TurnState {
    return this.turn.state;
  }

  get asked(): string {
    return this.turn.question;
  }

  get failed(): string | null {
    return this.turn.failure?.message ?? null;
  }

  show(turn: ShownTurn): void {
    this.turn = turn;
    this.element.classList.toggle("is-running", turn.state === "running");
    this.question.textContent = turn.question;
    this.attached.replaceChildren(...turn.attached.map(attachment));
    if (!turn.answer.startsWith(this.text)) this.clear();
    this.add(turn.answer.slice(this.text.length));
    this.write();
    this.showHint();
    this.failure.replaceChildren(...(turn.failure ? failure(turn.failure) : []));
    this.footer.replaceChildren(...this.footerParts());
  }

  /** Adds to the answer; it is drawn by `write`. */
  add(text: string): void {
    this.text += text;
    this.unwritten += text;
  }

  write(): void {
    if (this.unwritten === "") return;
    this.growing.add(this.unwritten);
    this.unwritten = "";
    const blocks = this.growing.blocks;
    patch(this.answer, this.blocks, blocks, this.actions);
    this.blocks = blocks;
    this.showHint();
  }

  private clear(): void {
    this.growing = new Growing();
    this.blocks = [];
    this.text = "";
    this.unwritten = "";
    this.answer.replaceChildren();
  }

  private showHint(): void {
    const isRunning = this.turn.state === "running";
    const words = this.text === "" ? (this.turn.hint ?? "asking…") : "";
    const spinner = element("span", { class: "spinner", "aria-hidden": "true" });
    this.hint.replaceChildren(...(isRunning ? [spinner, element("span", {}, words)] : []));
  }

  private footerParts(): HTMLElement[] {
    if (this.turn.state === "running") return [];
    const words = this.turn.footer;
    const id = this.turn.id;
    const why = textButton("Why?", "why", () => post({ type: "explain", turn: id }));
    why.title = "Why this model, and what else there was";
    const copy = iconButton("copy", "Copy the answer", () => {
      post({ type: "copy", text: this.text });
      showCopied(copy);
    });
    const retry = iconButton("retry", "Ask again", askAgain);
    retry.classList.add("retry");
    const facts = element("div", { class: "facts" }, words.join(SEPARATOR));
    if (words.length > 0) facts.append(SEPARATOR, why);
    const buttons = element("div", { class: "turn-actions" }, ...(this.text === "" ? [] : [copy]));
    if (this.turn.failure === null) buttons.append(retry);
    return words.length + buttons.children.length > 0 ? [facts, buttons] : [];
  }

  private readonly actions: Actions = {
    copy: (text) => post({ type: "copy", text }),
    insert: (text) => post({ type: "insert", text }),
    apply: (code, language) => post({ type: "apply", turn: this.turn.id, code, language }),
    open: (url) => post({ type: "open", url }),
  };
}

/** Asks the last question again: only the last turn offers it. */
function askAgain(): void {
  post({ type: "retry" });
}

function attachment(name: string): HTMLElement {
  return element(
    "li",
    { class: "chip", title: name },
    icon("file"),
    element("span", { class: "chip-text" }, name),
  );
}

function failure(shown: ShownFailure): HTMLElement[] {
  const words = element("div", {}, element("p", { class: "failure-message" }, shown.message));
  if (shown.hint !== null) words.append(element("p", { class: "failure-hint" }, shown.hint));
  const buttons = shown.actions.map((one) =>
    textButton(one.title, "", () => post({ type: "run", command: one.command })),
  );
  const retry = textButton("Ask again", "retry", askAgain);
  words.append(element("div", { class: "failure-actions" }, ...buttons, retry));
  return [element("div", { class: "failure-box" }, icon("warning"), words)];
}
