/** Whole lines of a document, followed while the document is edited. Pure. */

/** Counted from 0; `end` is not one of them. */
export type Lines = { readonly start: number; readonly end: number };

export type Position = { readonly line: number; readonly character: number };

export type Edit = { readonly start: Position; readonly end: Position; readonly text: string };

const LINE_END = /\r\n|\r|\n/;

/** Returns the lines that a selection is about: one that ends before a line's first character has none of it. */
export function linesOf(selection: { readonly start: Position; readonly end: Position }): Lines {
  const { start, end } = selection;
  const hasLast = end.character > 0 || end.line === start.line;
  return { start: start.line, end: end.line + (hasLast ? 1 : 0) };
}

/** Returns where lines are after an edit: what is put right before or after them is none of them. */
export function moved(lines: Lines, edit: Edit): Lines {
  const start = startAfter({ line: lines.start, character: 0 }, edit).line;
  const end = endAfter({ line: lines.end, character: 0 }, edit);
  return { start, end: Math.max(start, end.line + (end.character > 0 ? 1 : 0)) };
}

function startAfter(position: Position, edit: Edit): Position {
  if (compare(position, edit.start) < 0) return position;
  if (compare(position, edit.end) < 0) return edit.start;
  return shifted(position, edit);
}

function endAfter(position: Position, edit: Edit): Position {
  if (compare(position, edit.start) <= 0) return position;
  return shifted(compare(position, edit.end) < 0 ? edit.end : position, edit);
}

/** Returns where a position is that the edit does not replace. */
function shifted(position: Position, edit: Edit): Position {
  const added = edit.text.split(LINE_END);
  const last = added[added.length - 1] ?? "";
  const line = edit.start.line + added.length - 1;
  if (position.line > edit.end.line)
    return { line: position.line - edit.end.line + line, character: position.character };
  const before = added.length === 1 ? edit.start.character : 0;
  return { line, character: before + last.length + position.character - edit.end.character };
}

function compare(one: Position, other: Position): number {
  return one.line - other.line || one.character - other.character;
}
