/**
 * What can be told of code by its lines alone, in whatever language: definitions, blocks, and comments that stand for
 * what was left out. Pure, and never more than a guess: nothing is deleted for what is said here.
 */

/** Lines of a text, counted from 0; `end` is not one of them. */
export type Span = { readonly start: number; readonly end: number };

/** A definition, or lines between two of them. */
export type Chunk = {
  readonly lines: readonly string[];
  /** What it defines. */
  readonly name: string | null;
  /** The line that defines it; what is above are its comments and decorators. */
  readonly head: number;
};

const SIMILAR_LINES = 0.6;
/** A longer line is generated, and says nothing of how code is made up. */
const MAX_LINE_CHARACTERS = 400;

const FUNCTIONS = words("def function func fn fun sub proc");
const KINDS = words("class struct enum interface trait impl module namespace object record type macro");
const MODIFIERS = words(
  "export default public private protected internal static async pub abstract final local override inline " +
    "virtual unsafe const extern data sealed partial open",
);
const CONTROL = words(
  "if for while switch catch else elseif elif do try with match case when until unless return function",
);
const LEFT_OUT = ["existing", "unchanged", "rest", "remain", "same", "previous", "omitted", "other"];

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(" "));
}

// --- lines ---------------------------------------------------------------------------------------

/** Returns a line of a text; an empty one outside of it. */
export function lineAt(lines: readonly string[], row: number): string {
  return lines[row] ?? "";
}

export function isBlank(line: string): boolean {
  return line.trim() === "";
}

/** Returns the spaces and tabs that a line begins with. */
export function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? "";
}

/** Returns how deep a line is indented, in columns. */
export function widthOf(line: string): number {
  return indentOf(line).replaceAll("\t", "        ").length;
}

/** Says whether a line is a comment that stands for code which was left out. */
export function isPlaceholder(line: string): boolean {
  const text = line.trim();
  if (text.length > MAX_LINE_CHARACTERS) return false;
  const inner = text.replace(/^[{<]*[!#/*;%"-]+/, "").replace(/[*/>}-]+$/, "");
  const isComment = inner !== text && !/^[-*]\s/.test(text);
  const said = inner.trim().toLowerCase().replaceAll("…", "...");
  if (said === "...") return true;
  if (!isComment) return false;
  if (said.startsWith("...")) return true;
  if (said.includes("...") && LEFT_OUT.some((word) => said.includes(word))) return true;
  return /^(rest .*(unchanged|the same)$|existing code)/.test(said);
}

/** Returns what follows a bracket that a text begins with, behind the one that closes it; null without both. */
function behindBrackets(text: string): string | null {
  if (!text.startsWith("(")) return null;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "(") depth += 1;
    else if (text[at] === ")") depth -= 1;
    if (depth === 0) return text.slice(at + 1);
  }
  return null;
}

/** Returns what a line defines, such as `function name`; null if it defines nothing. */
export function definition(line: string): string | null {
  if (line.length > MAX_LINE_CHARACTERS) return null;
  const text = withoutScope(line.trim());
  const declared = declaration(text);
  if (declared !== undefined) return declared;
  const name = assignedName(text) ?? calledName(text);
  return name === null ? null : `function ${name}`;
}

/** Returns Rust's `pub(crate)` as `pub`. */
function withoutScope(text: string): string {
  const behind = text.startsWith("pub(") ? behindBrackets(text.slice("pub".length)) : null;
  return behind === null ? text : `pub${behind}`;
}

/** Returns what a keyword says that a line defines: null is a keyword without a name, undefined no keyword. */
function declaration(text: string): string | null | undefined {
  let rest = text;
  for (;;) {
    const [, word, after] = /^([A-Za-z]+)\s+(.*)$/.exec(rest) ?? [];
    if (word === undefined || after === undefined) return undefined;
    if (FUNCTIONS.has(word) || KINDS.has(word)) {
      const named = (behindBrackets(after) ?? after).trimStart(); // Go has the receiver first
      const [, name] = /^\*?\s*([\p{L}\p{N}_.:$]+)/u.exec(named) ?? [];
      return name === undefined
        ? null
        : `${FUNCTIONS.has(word) ? "function" : word} ${name.replace(/[.:]+$/, "")}`;
    }
    if (!MODIFIERS.has(word)) return undefined;
    rest = after;
  }
}

/** Returns the name that a function is given by `=`. */
function assignedName(text: string): string | null {
  return /([\p{L}\p{N}_.$]+)\s*=\s*(?:async\s*)?(?:function\b|\(.*=>)/u.exec(text)?.[1] ?? null;
}

/** Returns the name of a function as C and its relatives define it: a name, brackets, and a block that opens. */
function calledName(text: string): string | null {
  if (CONTROL.has(/^[A-Za-z]*/.exec(text)?.[0] ?? "")) return null;
  for (const found of text.matchAll(/[\p{L}\p{N}_~]+(?=\s*\()/gu)) {
    const before = text.slice(0, found.index);
    if (before !== "" && !/^[\p{L}_][^=;}]*$/u.test(before)) return null;
    const behind = behindBrackets(text.slice(found.index + found[0].length).trimStart());
    if (behind !== null && /^[^;=]*\{$/.test(behind)) return CONTROL.has(found[0]) ? null : found[0];
  }
  return null;
}

/** Returns what a line is recognised by, however it is indented. */
export function keyOf(line: string): string {
  return definition(line) ?? line.trim();
}

/** Says whether a line can be recognised by its key: brackets and blank lines are everywhere. */
export function saysSomething(key: string): boolean {
  return /[\p{L}\p{N}_][^\p{L}\p{N}_]*[\p{L}\p{N}_]/u.test(key);
}

/** Says whether a line tells where it belongs: its key does, and it does not stand for others. */
export function isTelling(key: string, line: string): boolean {
  return saysSomething(key) && !isPlaceholder(line);
}

/** Says how much two lines have in common, from 0 to 1. */
function likenessOfLines(one: string, other: string): number {
  const [a, b] = [one.trim(), other.trim()];
  const most = Math.min(a.length, b.length);
  let left = 0;
  while (left < most && a[left] === b[left]) left += 1;
  let right = 0;
  while (right < most - left && a[a.length - 1 - right] === b[b.length - 1 - right]) right += 1;
  return a.length + b.length === 0 ? 1 : (2 * (left + right)) / (a.length + b.length);
}

/** Says whether a line may be a version of another one. */
export function isLike(a: string, b: string): boolean {
  if (keyOf(a) === keyOf(b)) return true;
  const definesOther = definition(a) !== null || definition(b) !== null;
  return !definesOther && likenessOfLines(a, b) >= SIMILAR_LINES;
}

/** Says how many of the lines of two texts are the same, from 0 to 1. */
export function likeness(a: readonly string[], b: readonly string[]): number {
  const keys = a.filter((line) => !isBlank(line)).map(keyOf);
  const others = b.filter((line) => !isBlank(line)).map(keyOf);
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  let same = 0;
  for (const key of others) {
    const left = counts.get(key) ?? 0;
    if (left === 0) continue;
    counts.set(key, left - 1);
    same += 1;
  }
  const all = keys.length + others.length;
  return all === 0 ? 0 : (2 * same) / all;
}

/** Returns the lines of a text without the blank ones at both ends. */
export function trimmedSpan(lines: readonly string[], span: Span = { start: 0, end: lines.length }): Span {
  let { start, end } = span;
  while (start < end && isBlank(lineAt(lines, start))) start += 1;
  while (end > start && isBlank(lineAt(lines, end - 1))) end -= 1;
  return { start, end };
}

export function slice(lines: readonly string[], span: Span): readonly string[] {
  return lines.slice(span.start, span.end);
}

// --- blocks --------------------------------------------------------------------------------------

/** Returns the block that a line opens, by indentation. */
export function blockOf(lines: readonly string[], start: number, limit: number): Span {
  const depth = widthOf(lineAt(lines, start));
  let end = start + 1;
  for (let row = start + 1; row < limit; row += 1) {
    const line = lineAt(lines, row);
    if (isBlank(line)) continue;
    const text = line.trim();
    const width = widthOf(line);
    const closes = /^([\])}]|end\b)/.test(text);
    if (width < depth || (width === depth && !closes && text !== "{")) break;
    end = row + 1;
    if (width === depth && closes && !/[:{]$/.test(text)) break;
  }
  return { start, end };
}

/** Returns the first of the comments and decorators that are directly above a line. */
export function preludeOf(lines: readonly string[], row: number, limit: number): number {
  const width = widthOf(lineAt(lines, row));
  let first = row;
  while (first > limit) {
    const above = lineAt(lines, first - 1);
    const belongs = /^([@/#*[]|--)/.test(above.trim());
    if (!belongs || isPlaceholder(above) || widthOf(above) !== width) break;
    first -= 1;
  }
  return first;
}

/** Cuts code into its outermost definitions and what is between them; comments that stand for the rest are left out. */
export function chunksOf(code: readonly string[]): readonly Chunk[] {
  const widths = code.filter((line) => !isBlank(line) && !isPlaceholder(line)).map(widthOf);
  const depth = widths.reduce((least, width) => Math.min(least, width), Number.POSITIVE_INFINITY);
  const chunks: Chunk[] = [];
  let pending = 0;
  const add = (span: Span, name: string | null, head: number): void => {
    const inner = trimmedSpan(code, span);
    if (inner.start === inner.end) return;
    chunks.push({ lines: slice(code, inner), name, head: name === null ? 0 : head - inner.start });
  };
  for (let row = 0; row < code.length; row += 1) {
    const line = lineAt(code, row);
    if (isBlank(line) || widthOf(line) > depth) continue;
    const name = definition(line);
    if (isPlaceholder(line)) {
      add({ start: pending, end: row }, null, 0);
      pending = row + 1;
    } else if (name !== null) {
      const first = preludeOf(code, row, pending);
      add({ start: pending, end: first }, null, 0);
      const { end } = blockOf(code, row, code.length);
      add({ start: first, end }, name, row);
      pending = end;
      row = end - 1;
    }
  }
  add({ start: pending, end: code.length }, null, 0);
  return chunks;
}
