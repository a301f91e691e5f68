/** How the page makes its elements. Text is only ever text, and no attribute can run or fetch anything. */
import { type IconName, icon } from "./icon";

type AttributeName =
  | "class"
  | "id"
  | "role"
  | "title"
  | "tabindex"
  | "type"
  | "placeholder"
  | "rows"
  | "scope"
  | "start"
  | "dir"
  | `aria-${string}`;

type Attributes = { readonly [Name in AttributeName]?: string };

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** Makes a button that says what it does in words. */
export function textButton(words: string, kind: string, clicked: () => void): HTMLButtonElement {
  const made = element("button", { type: "button", class: `text-button ${kind}` }, words);
  made.addEventListener("click", clicked);
  return made;
}

/** Makes a button that shows an icon and has a name. */
export function iconButton(name: IconName, label: string, clicked: () => void): HTMLButtonElement {
  const made = element("button", { type: "button", class: "icon-button", title: label, "aria-label": label });
  made.append(icon(name));
  made.addEventListener("click", clicked);
  return made;
}

/** Makes text that only screen readers tell. */
export function unseen(tag: "h2" | "span", words: string): HTMLElement {
  return element(tag, { class: "unseen" }, words);
}
