/**
 * The differences of two texts, and what becomes of them when one of the texts is edited meanwhile. Pure: lines in,
 * lines or edits out. The lines are a document's, so that a text with a line end at its end has an empty last one.
 */
import { lineAt, type Span } from "./code";
import { grown, type Pair, uniquePairs } from "./shared";

/** Lines, and what they become. */
export type Hunk = { readonly span: Span; readonly lines: readonly string[] };

/** Where a document's text is replaced; positions are those before any of the edits. */
export type LineEdit = {
  readonly start: Position;
  readonly end: Position;
  readonly text: string;
};
type Position = { readonly line: number; readonly character: number };

export type Merged = {
  readonly lines: readonly string[];
  readonly kept: number;
  /** Changes whose lines are no longer what they were. */
  readonly dropped: number;
};

/** Returns the pairs of lines that are the same, in order; both ends count as such. */
function samePairs(old: readonly string[], next: readonly string[]): readonly Pair[] {
  const anchors = uniquePairs(old, next, { start: 0, end: next.length }, () => true);
  return grown(anchors, { a: old.length, b: next.length }, (a, b) => old[a] === next[b]);
}

/** Returns the differences of two texts; those with no line between them are one. */
export function hunksBetween(old: readonly string[], next: readonly string[]): readonly Hunk[] {
  const hunks: Hunk[] = [];
  let low: Pair = { a: -1, b: -1 };
  for (const high of samePairs(old, next).slice(1)) {
    const span = { start: low.a + 1, end: high.a };
    const lines = next.slice(low.b + 1, high.b);
    if (span.start < span.end || lines.length > 0) hunks.push({ span, lines });
    low = high;
  }
  return hunks;
}

function applied(lines: readonly string[], hunks: readonly Hunk[]): readonly string[] {
  const result: string[] = [];
  let end = 0;
  for (const hunk of hunks) {
    result.push(...lines.slice(end, hunk.span.start), ...hunk.lines);
    end = hunk.span.end;
  }
  return [...result, ...lines.slice(end)];
}

/** Returns where the lines of a hunk are in a text that was edited; null if they are no longer together. */
function moved({ span }: Hunk, rows: ReadonlyMap<number, number>, size: number): Span | null {
  if (span.start === span.end) {
    const before = rows.get(span.start - 1);
    const start = before === undefined ? rows.get(span.start) : before + 1;
    return start === undefined || start < 0 || start > size ? null : { start, end: start };
  }
  const start = rows.get(span.start);
  if (start === undefined) return null;
  for (let row = span.start; row < span.end; row += 1) {
    if (rows.get(row) !== start + row - span.start) return null;
  }
  return { start, end: start + span.end - span.start };
}

/** Puts the changes from one text to another into a third, which the first has become by other edits. */
export function merged(
  base: readonly string[],
  proposed: readonly string[],
  current: readonly string[],
): Merged {
  const rows = new Map(samePairs(base, current).map(({ a, b }) => [a, b]));
  const hunks = hunksBetween(base, proposed);
  const kept: Hunk[] = [];
  for (const hunk of hunks) {
    const span = moved(hunk, rows, current.length);
    if (span) kept.push({ span, lines: hunk.lines });
  }
  return { lines: applied(current, kept), kept: kept.length, dropped: hunks.length - kept.length };
}

/** Returns where lines are in a text that was edited: all between those of their neighbours that are still there. */
export function followed(span: Span, base: readonly string[], current: readonly string[]): Span {
  const pairs = samePairs(base, current);
  const before = pairs.findLast(({ a }) => a < span.start)?.b ?? -1;
  const after = pairs.find(({ a, b }) => a >= span.end && b > before)?.b ?? current.length;
  return { start: before + 1, end: after };
}

/** Returns the edits of a document that make one text of another. */
export function editsBetween(
  old: readonly string[],
  next: readonly string[],
  eol: string,
): readonly LineEdit[] {
  return hunksBetween(old, next).map(({ span, lines }) => {
    if (span.end < old.length) {
      const [start, end] = [
        { line: span.start, character: 0 },
        { line: span.end, character: 0 },
      ];
      return { start, end, text: lines.map((line) => line + eol).join("") };
    }
    const end = { line: old.length - 1, character: lineAt(old, old.length - 1).length };
    if (span.start === 0) return { start: { line: 0, character: 0 }, end, text: lines.join(eol) };
    const start = { line: span.start - 1, character: lineAt(old, span.start - 1).length };
    return { start, end, text: lines.map((line) => eol + line).join("") };
  });
}
