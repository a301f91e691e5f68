/** How one line of markdown begins: its indentation, a fence, a heading, a list's mark. Knows nothing of blocks. */

const TAB_COLUMNS = 4;

export type Fence = {
  readonly mark: string;
  readonly length: number;
  readonly indent: number;
  readonly language: string;
};

export type Marker = {
  /** What two items of one list have in common: the bullet, or what follows the number. */
  readonly type: string;
  readonly start: number | null;
  readonly indent: number;
  /** Lines that are indented as far as this belong to the item. */
  readonly offset: number;
  readonly isEmpty: boolean;
};

export function isBlank(line: string): boolean {
  return line.trim() === "";
}

/** Returns how many columns of blanks a line begins with. */
export function indentOf(line: string): number {
  let columns = 0;
  for (const char of line) {
    if (char === " ") columns += 1;
    else if (char === "\t") columns += TAB_COLUMNS - (columns % TAB_COLUMNS);
    else break;
  }
  return columns;
}

/** Returns a line without so many columns of blanks, or without those that it has. */
export function outdented(line: string, columns: number): string {
  let taken = 0;
  let at = 0;
  while (taken < columns && (line[at] === " " || line[at] === "\t")) {
    taken += line[at] === " " ? 1 : TAB_COLUMNS - (taken % TAB_COLUMNS);
    at += 1;
  }
  return " ".repeat(Math.max(0, taken - columns)) + line.slice(at);
}

export function fenceOf(line: string): Fence | null {
  const found = /^[ \t]*(`{3,}|~{3,})(.*)$/.exec(line);
  const marks = found?.[1];
  if (found === null || marks === undefined) return null;
  const info = (found[2] ?? "").trim();
  const mark = marks.slice(0, 1);
  if (mark === "`" && info.includes("`")) return null;
  return { mark, length: marks.length, indent: indentOf(line), language: info.split(/\s/, 1)[0] ?? "" };
}

export function closes(line: string, fence: Fence): boolean {
  const marks = line.trim();
  return marks.length >= fence.length && marks === fence.mark.repeat(marks.length);
}

/** Returns the level and the text of a heading. */
export function headingOf(line: string): { readonly level: number; readonly text: string } | null {
  const found = /^[ \t]*(#{1,6})(?:[ \t]|$)/.exec(line);
  if (found === null) return null;
  const text = line.slice(found[0].length).trim();
  const end = text.search(/(?<!#)#+$/);
  const isClosed = end === 0 || (end > 0 && /[ \t]/.test(text.charAt(end - 1)));
  return { level: (found[1] ?? "").length, text: isClosed ? text.slice(0, end).trimEnd() : text };
}

export function isRule(line: string): boolean {
  const marks = line.replace(/[ \t]/g, "");
  const mark = marks.slice(0, 1);
  return marks.length >= 3 && "-*_".includes(mark) && marks === mark.repeat(marks.length);
}

export function isQuote(line: string): boolean {
  return line.trimStart().startsWith(">");
}

export function markerOf(line: string): Marker | null {
  const found = /^[ \t]*([-*+]|(\d{1,9})([.)]))(?=[ \t]|$)/.exec(line);
  if (found === null || isRule(line)) return null;
  const mark = found[1] ?? "";
  const indent = indentOf(line);
  const rest = line.slice(found[0].length);
  const gap = indentOf(rest);
  const isEmpty = isBlank(rest);
  const start = found[2] === undefined ? null : Number(found[2]);
  const offset = indent + mark.length + (isEmpty || gap > TAB_COLUMNS ? 1 : gap);
  return { type: found[3] ?? mark, start, indent, offset, isEmpty };
}

/** Says whether a line ends the paragraph before it without a blank line between. */
export function interrupts(line: string): boolean {
  if (fenceOf(line) !== null || headingOf(line) !== null || isRule(line) || isQuote(line)) return true;
  const marker = markerOf(line);
  return marker !== null && !marker.isEmpty && (marker.start === null || marker.start === 1);
}
