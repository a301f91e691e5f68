/**
 * A tree of markdown as elements, and how those that are there become others: only what differs is made anew, so a
 * selection in an answer survives while the answer grows.
 */
import { codeBlock, growCode } from "../codeBlock";
import { element } from "../element";
import { icon } from "../icon";
import { openable } from "./destinations";
import type { Block, Inline, List, ListItem, Table } from "./tree";

/** What a user may do with what an answer says. */
export type Actions = {
  copy(text: string): void;
  insert(text: string): void;
  apply(code: string, language: string): void;
  open(url: string): void;
};

/** A heading of an answer stands below that of its turn, which is an h2. */
const HEADINGS = ["h3", "h4", "h5", "h6"] as const;
const MAX_SHOWN_URL = 80;

type Row = Table["head"];

/** Makes elements that show one row of blocks show another. Each block is one element. */
export function patch(
  parent: HTMLElement,
  before: readonly Block[],
  after: readonly Block[],
  actions: Actions,
): void {
  const make = (block: Block) => rendered(block, actions);
  patchAll(parent, before, after, make, (shown, old, block) => becomes(shown, old, block, actions));
}

/** Makes children anew where they differ; `change` may change one in place, and says whether it has. */
function patchAll<Part>(
  parent: HTMLElement,
  before: readonly Part[],
  after: readonly Part[],
  make: (part: Part) => HTMLElement,
  change: (shown: HTMLElement, old: Part, part: Part) => boolean,
): void {
  for (const [index, part] of after.entries()) {
    const old = before[index];
    const shown = parent.children[index];
    if (old === undefined || !(shown instanceof HTMLElement)) parent.append(make(part));
    else if (!isSame(old, part) && !change(shown, old, part)) shown.replaceWith(make(part));
  }
  while (parent.children.length > after.length) parent.lastElementChild?.remove();
}

/** Changes an element in place, if it can become what is wanted. */
function becomes(shown: HTMLElement, old: Block, block: Block, actions: Actions): boolean {
  if (old.kind === "code" && block.kind === "code") return growCode(shown, old, block);
  if (old.kind === "list" && block.kind === "list") return growList(shown, old, block, actions);
  if (old.kind === "table" && block.kind === "table") return growTable(shown, old, block, actions);
  if (old.kind !== "quote" || block.kind !== "quote") return false;
  patch(shown, old.children, block.children, actions);
  return true;
}

function growList(shown: HTMLElement, old: List, list: List, actions: Actions): boolean {
  if (old.start !== list.start || old.isLoose !== list.isLoose) return false;
  const make = (item: ListItem) => listItem(item, actions);
  patchAll(shown, old.items, list.items, make, (element, before, after) => {
    // A task has its box before its blocks: it is made anew.
    const isPlain = before.isDone === null && after.isDone === null;
    if (isPlain) patch(element, before.children, after.children, actions);
    return isPlain;
  });
  return true;
}

function growTable(shown: HTMLElement, old: Table, table: Table, actions: Actions): boolean {
  const body = shown.querySelector("tbody");
  const isMore = isSame(old.head, table.head) && isSame(old.alignments, table.alignments);
  if (body === null || !isMore) return false;
  const make = (row: Row) => tableRow(row, "td", table.alignments, actions);
  patchAll(body, old.rows, table.rows, make, () => false);
  return true;
}

function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  const entries = Object.entries(one);
  if (entries.length !== Object.keys(other).length) return false;
  const others: Readonly<Record<string, unknown>> = { ...other };
  return entries.every(([key, value]) => isSame(value, others[key]));
}

function rendered(block: Block, actions: Actions): HTMLElement {
  switch (block.kind) {
    case "paragraph":
      return element("p", {}, ...inlines(block.children, actions));
    case "heading": {
      const tag = HEADINGS[Math.min(block.level, HEADINGS.length) - 1] ?? "h6";
      return element(tag, {}, ...inlines(block.children, actions));
    }
    case "quote":
      return element("blockquote", {}, ...block.children.map((one) => rendered(one, actions)));
    case "rule":
      return element("hr");
    case "code":
      return codeBlock(block, actions);
    case "list":
      return list(block, actions);
    case "table":
      return table(block, actions);
  }
}

function list(block: List, actions: Actions): HTMLElement {
  const items = block.items.map((item) => listItem(item, actions));
  const kind = { class: block.isLoose ? "is-loose" : "is-tight" };
  if (block.start === null) return element("ul", kind, ...items);
  return element("ol", { ...kind, start: String(block.start) }, ...items);
}

function listItem(item: ListItem, actions: Actions): HTMLElement {
  const children = item.children.map((one) => rendered(one, actions));
  if (item.isDone === null) return element("li", {}, ...children);
  const box = element("span", { class: "box", role: "img", "aria-label": item.isDone ? "done" : "to do" });
  if (item.isDone) box.append(icon("check"));
  return element("li", { class: "task" }, box, element("div", { class: "task-text" }, ...children));
}

function table(block: Table, actions: Actions): HTMLElement {
  const rows = block.rows.map((row) => tableRow(row, "td", block.alignments, actions));
  const head = element("thead", {}, tableRow(block.head, "th", block.alignments, actions));
  const whole = element("table", {}, head, element("tbody", {}, ...rows));
  return element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "table" }, whole);
}

function tableRow(
  row: Row,
  tag: "td" | "th",
  alignments: Table["alignments"],
  actions: Actions,
): HTMLElement {
  const cells = row.map((cell, column) => {
    const alignment = alignments[column];
    const kind = alignment ? { class: `is-${alignment}` } : {};
    return element(tag, tag === "th" ? { ...kind, scope: "col" } : kind, ...inlines(cell, actions));
  });
  return element("tr", {}, ...cells);
}

function inlines(found: readonly Inline[], actions: Actions): (Node | string)[] {
  return found.map((one) => inline(one, actions));
}

function inline(one: Inline, actions: Actions): Node | string {
  switch (one.kind) {
    case "text":
      return one.text;
    case "code":
      return element("code", {}, one.text);
    case "break":
      return element("br");
    case "emphasis":
      return element("em", {}, ...inlines(one.children, actions));
    case "strong":
      return element("strong", {}, ...inlines(one.children, actions));
    case "strike":
      return element("del", {}, ...inlines(one.children, actions));
    case "image":
      return element("span", { class: "not-loaded" }, `${one.alt || "image"} `, place(one.url));
    case "link":
      return link(one.url, inlines(one.children, actions), actions);
  }
}

/** Makes what looks like a link and asks the extension. It says where it leads; one that may not be opened is text. */
function link(url: string, label: readonly (Node | string)[], actions: Actions): HTMLElement {
  const target = openable(url);
  const words = element("span", {}, ...label);
  if (target === null) return element("span", {}, words, " ", place(url));
  const made = element("span", { class: "link", role: "link", tabindex: "0", title: target }, words);
  const isItself = isPlain(words.textContent) && leadsTo(words.textContent, target);
  if (!isItself) made.append(" ", place(target));
  made.addEventListener("click", () => actions.open(target));
  made.addEventListener("keydown", (event) => {
    if (event.key === "Enter") actions.open(target);
  });
  return made;
}

/** Says whether letters are what they look like. */
function isPlain(words: string): boolean {
  return /^[\x21-\x7e]*$/.test(words);
}

function leadsTo(words: string, target: string): boolean {
  return openable(words) === target || `mailto:${words}` === target;
}

/** Shows where something is. Its end may be left out, never its beginning: there stands whose it is. */
function place(url: string): HTMLElement {
  const shown = url.length > MAX_SHOWN_URL ? `${url.slice(0, MAX_SHOWN_URL)}…` : url;
  return element("span", { class: "place", title: url }, `(${shown})`);
}
