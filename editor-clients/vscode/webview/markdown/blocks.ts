/**
 * The blocks of a text in markdown: what models write of CommonMark, with GitHub's tables, tasks and strikethrough.
 *
 * Left out on purpose, as in answers they are mishaps more often than meant: HTML, code by indentation, headings by
 * underlining, and references that stand elsewhere. All of them stay text.
 */
import { inlines } from "./inlines";
import {
  closes,
  type Fence,
  fenceOf,
  headingOf,
  indentOf,
  interrupts,
  isBlank,
  isQuote,
  isRule,
  type Marker,
  markerOf,
  outdented,
} from "./lines";
import { isTable, tableAt } from "./table";
import type { Block, Code, ListItem } from "./tree";

/** What is deeper in quotes and lists than this is text: no stack and no page is endless. */
const MAX_DEPTH = 16;

/** A block, and the line after its last. */
type Read = { readonly block: Block; readonly end: number };

/** A block, and the line that it begins with. */
export type Placed = { readonly block: Block; readonly first: number };

export function blocks(text: string): readonly Block[] {
  return placed(text.split("\n")).map((one) => one.block);
}

export function placed(lines: readonly string[], depth = 0): readonly Placed[] {
  const found: Placed[] = [];
  let at = 0;
  while (at < lines.length) {
    if (isBlank(lines[at] ?? "")) {
      at += 1;
      continue;
    }
    const { block, end } = blockAt(lines, at, depth);
    found.push({ block, first: at });
    at = end;
  }
  return found;
}

function children(lines: readonly string[], depth: number): readonly Block[] {
  return placed(lines, depth + 1).map((one) => one.block);
}

function blockAt(lines: readonly string[], at: number, depth: number): Read {
  const line = lines[at] ?? "";
  const fence = fenceOf(line);
  if (fence !== null) return codeAt(lines, at, fence);
  const heading = headingOf(line);
  if (heading !== null) {
    const { level, text } = heading;
    return { block: { kind: "heading", level, children: inlines(text) }, end: at + 1 };
  }
  if (isRule(line)) return { block: { kind: "rule" }, end: at + 1 };
  if (isQuote(line) && depth < MAX_DEPTH) return quoteAt(lines, at, depth);
  const marker = depth < MAX_DEPTH ? markerOf(line) : null;
  if (marker !== null) return listAt(lines, at, marker, depth);
  if (isTable(line, lines[at + 1])) {
    const { table, end } = tableAt(lines, at);
    return { block: table, end };
  }
  return paragraphAt(lines, at);
}

function codeAt(lines: readonly string[], at: number, fence: Fence): Read {
  let end = at + 1;
  while (end < lines.length && !closes(lines[end] ?? "", fence)) end += 1;
  const text = lines
    .slice(at + 1, end)
    .map((line) => outdented(line, fence.indent))
    .join("\n");
  const isClosed = end < lines.length;
  const block: Code = { kind: "code", language: fence.language, text, isClosed };
  return { block, end: end + 1 };
}

function paragraphAt(lines: readonly string[], at: number): Read {
  let end = at + 1;
  while (end < lines.length) {
    const line = lines[end] ?? "";
    if (isBlank(line) || interrupts(line) || isTable(line, lines[end + 1])) break;
    end += 1;
  }
  const text = lines
    .slice(at, end)
    .map((line) => line.trimStart())
    .join("\n");
  return { block: { kind: "paragraph", children: inlines(text.trimEnd()) }, end };
}

/** Says whether a line goes on with the paragraph of a quote or an item without its mark. */
function isLazy(line: string, previous: string): boolean {
  return !isBlank(line) && !isBlank(previous) && !interrupts(line) && fenceOf(previous) === null;
}

function quoteAt(lines: readonly string[], at: number, depth: number): Read {
  const inner: string[] = [];
  let fence: Fence | null = null;
  let end = at;
  while (end < lines.length) {
    const line = lines[end] ?? "";
    if (!isQuote(line) && (fence !== null || !isLazy(line, inner.at(-1) ?? ""))) break;
    const text = isQuote(line) ? line.trimStart().slice(1).replace(/^ /, "") : line;
    fence = fenceAfter(text, fence);
    inner.push(text);
    end += 1;
  }
  return { block: { kind: "quote", children: children(inner, depth) }, end };
}

/** Returns the fence that is open after a line. */
function fenceAfter(line: string, open: Fence | null): Fence | null {
  if (open === null) return fenceOf(line);
  return closes(line, open) ? null : open;
}

function listAt(lines: readonly string[], at: number, first: Marker, depth: number): Read {
  const items: ListItem[] = [];
  let isLoose = false;
  let end = at;
  let marker: Marker | null = first;
  while (marker !== null) {
    const item: Item = itemAt(lines, end, marker);
    const task = /^\[([ xX])\](?=[ \t])/.exec(item.lines[0] ?? "");
    const text = task ? [(item.lines[0] ?? "").slice(task[0].length), ...item.lines.slice(1)] : item.lines;
    const parts = placed(text, depth + 1);
    items.push({
      isDone: task ? task[1] !== " " : null,
      children: parts.map((one) => one.block),
    });
    isLoose ||= parts.some((one, index) => index > 0 && isBlank(text[one.first - 1] ?? ""));
    const next = markerOf(lines[item.next] ?? "");
    marker = next?.type === first.type ? next : null;
    isLoose ||= marker !== null && item.next > item.end;
    end = marker === null ? item.end : item.next;
  }
  return { block: { kind: "list", start: first.start, isLoose, items }, end };
}

/** `end` is the line after the item's last; `next` the first one after it that is not blank. */
type Item = { readonly lines: readonly string[]; readonly end: number; readonly next: number };

/** Gathers the lines of an item. Code in it goes on to its fence, as models forget to indent it. */
function itemAt(lines: readonly string[], at: number, marker: Marker): Item {
  const begin = (lines[at] ?? "").replace(/^[ \t]*(?:[-*+]|\d+[.)])/, (mark) =>
    " ".repeat(indentOf(mark) + mark.trim().length),
  );
  const inner = [outdented(begin, marker.offset)];
  let fence = fenceAfter(inner[0] ?? "", null);
  let end = at + 1;
  let next = end;
  while (next < lines.length) {
    const line = lines[next] ?? "";
    const isOurs = fence !== null || isBlank(line) || indentOf(line) >= marker.offset;
    if (!isOurs && (next > end || markerOf(line) !== null || !isLazy(line, inner.at(-1) ?? ""))) break;
    const text = outdented(line, marker.offset);
    fence = fenceAfter(text, fence);
    inner.push(text);
    next += 1;
    if (!isBlank(line) || fence !== null) end = next;
  }
  return { lines: inner.slice(0, end - at), end, next };
}
