/** A block of code in an answer, with what one may do with it. */

import { announce } from "./announcer";
import { element, iconButton } from "./element";
import { highlighted } from "./highlight";
import { icon } from "./icon";
import type { Actions } from "./markdown/render";
import type { Code } from "./markdown/tree";

const COPIED_MS = 1_500;

export function codeBlock(block: Code, actions: Actions): HTMLElement {
  const code = element("code");
  fill(code, block);
  const text = () => code.textContent;
  const copy = iconButton("copy", "Copy", () => {
    actions.copy(text());
    showCopied(copy);
  });
  const insert = iconButton("insert", "Insert at the cursor", () => actions.insert(text()));
  const apply = iconButton("apply", "Apply: show the change to the file", () =>
    actions.apply(text(), block.language),
  );
  const language = element("span", { class: "language" }, block.language || "text");
  const bar = element("div", { class: "code-actions" }, copy, insert, apply);
  const name = `code, ${block.language || "text"}`;
  return element(
    "div",
    { class: block.isClosed ? "code is-closed" : "code", role: "group", "aria-label": name },
    element("div", { class: "code-bar" }, language, bar),
    element("pre", { tabindex: "0", dir: "ltr" }, code),
  );
}

/** Lets a block grow in place; false if it has become another one. */
export function growCode(shown: HTMLElement, before: Code, after: Code): boolean {
  const code = shown.querySelector("code");
  const isMore = before.language === after.language && after.text.startsWith(before.text);
  if (code === null || !isMore || before.isClosed) return false;
  if (after.isClosed) fill(code, after);
  else code.append(after.text.slice(before.text.length));
  code.normalize();
  shown.classList.toggle("is-closed", after.isClosed);
  return true;
}

/** Colours are for code that is whole: what its parts are is known only then. */
function fill(code: HTMLElement, block: Code): void {
  const parts = block.isClosed ? highlighted(block.text, block.language) : [];
  const shown = parts.map((part) =>
    part.kind === "plain" ? part.text : element("span", { class: `hl-${part.kind}` }, part.text),
  );
  code.replaceChildren(...(block.isClosed ? shown : [block.text]));
}

/** Says on a button that it has copied. */
export function showCopied(button: HTMLButtonElement): void {
  announce("Copied");
  button.replaceChildren(icon("check"));
  setTimeout(() => button.replaceChildren(icon("copy")), COPIED_MS);
}
