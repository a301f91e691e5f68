/**
 * Where a block of code belongs: lines in, a span and its new lines out. Pure: it knows no document and no editor.
 *
 * A model answers with a whole file, with one function of it, or with pieces and comments that stand for the rest.
 * What it left out is kept, as far as that can be told; the reader sees each line that would go.
 */
import {
  blockOf,
  type Chunk,
  chunksOf,
  definition,
  isBlank,
  isLike,
  isPlaceholder,
  isTelling,
  keyOf,
  likeness,
  lineAt,
  preludeOf,
  type Span,
  saysSomething,
  slice,
  trimmedSpan,
} from "./code";
import { filledIn } from "./ellipsis";
import { indented } from "./indentation";
import { type Pair, uniquePairs } from "./shared";

/** Lines of a text, and what they become. */
export type Placing = { readonly span: Span; readonly lines: readonly string[] };

/** What is known of where code belongs: the lines that were asked about, and the cursor's. */
export type Hints = { readonly range?: Span | undefined; readonly cursor?: number | undefined };

const SIMILAR_FILES = 0.6;

function all(lines: readonly string[]): Span {
  return { start: 0, end: lines.length };
}

function clamped(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(value, high));
}

/** Returns the lines of code that a text has too, in order. */
function recognised(code: readonly string[], lines: readonly string[], within: Span): readonly Pair[] {
  const keys = code.map(keyOf);
  return uniquePairs(keys, lines.map(keyOf), within, (a) => isTelling(lineAt(keys, a), lineAt(code, a)));
}

// --- finding -------------------------------------------------------------------------------------

/** Finds what a chunk is a version of. */
function find(chunk: Chunk, lines: readonly string[], within: Span): Span | null {
  return chunk.name === null ? findLines(chunk.lines, lines, within) : findDefinition(chunk, lines, within);
}

function findDefinition(chunk: Chunk, lines: readonly string[], within: Span): Span | null {
  let best: { readonly block: Span; readonly score: number } | null = null;
  for (let row = within.start; row < within.end; row += 1) {
    if (definition(lineAt(lines, row)) !== chunk.name) continue;
    const block = blockOf(lines, row, within.end);
    const score = likeness(chunk.lines, slice(lines, block));
    if (best === null || score > best.score) best = { block, score };
  }
  if (best === null || chunk.head === 0) return best?.block ?? null;
  return { start: preludeOf(lines, best.block.start, within.start), end: best.block.end };
}

/** Finds lines that define nothing: by the block that their first line opens, else by what they share with a place. */
function findLines(code: readonly string[], lines: readonly string[], within: Span): Span | null {
  const pairs = recognised(code, lines, within);
  const [head, tail] = [pairs[0], pairs.at(-1)];
  if (head === undefined || tail === undefined) return null;
  if (head.a === 0 && code.length > 1 && blockOf(code, 0, code.length).end === code.length) {
    return blockOf(lines, head.b, within.end);
  }
  const said = code.filter((line) => saysSomething(keyOf(line))).length;
  const hasBothEnds = head.a === 0 && tail.a === code.length - 1 && pairs.length > 1;
  if (!hasBothEnds && pairs.length * 2 < said) return null;
  let [a, start] = [head.a, head.b];
  while (a > 0 && start > within.start && isLike(lineAt(code, a - 1), lineAt(lines, start - 1))) {
    [a, start] = [a - 1, start - 1];
  }
  let [b, last] = [tail.a, tail.b];
  while (
    b < code.length - 1 &&
    last < within.end - 1 &&
    isLike(lineAt(code, b + 1), lineAt(lines, last + 1))
  ) {
    [b, last] = [b + 1, last + 1];
  }
  return { start, end: last + 1 };
}

/** Says whether code is about other lines than those that were asked about: what it defines is only elsewhere. */
function isElsewhere(lines: readonly string[], code: readonly string[], range: Span): boolean {
  const named = chunksOf(code).filter((chunk) => chunk.name !== null);
  if (named.some((chunk) => find(chunk, lines, range) !== null)) return false;
  return named.some((chunk) => find(chunk, lines, all(lines)) !== null);
}

/** Says whether code is the whole file anew: most lines are the same, and no definition would go unmentioned at an end. */
function isWhole(lines: readonly string[], code: readonly string[]): boolean {
  if (likeness(lines, code) < SIMILAR_FILES) return false;
  const pairs = recognised(code, lines, all(lines));
  const [head, tail] = [pairs[0], pairs.at(-1)];
  if (head === undefined || tail === undefined) return true;
  const mentioned = new Set(code.map(keyOf));
  const loses = (start: number, end: number) =>
    lines.slice(start, end).some((line) => {
      const name = definition(line);
      return name !== null && !mentioned.has(name);
    });
  if (loses(0, head.b) || loses(tail.b + 1, lines.length)) return false;
  const chunks = chunksOf(code);
  return !(chunks.length === 1 && chunks[0]?.name !== null);
}

// --- placing -------------------------------------------------------------------------------------

function fitted(code: readonly string[], region: readonly string[]): readonly string[] {
  return filledIn(indented(code, region), region);
}

/** Replaces lines, but for the blank ones at both ends. */
function replacing(lines: readonly string[], code: readonly string[], span: Span): Placing {
  const region = trimmedSpan(lines, span);
  const inner = slice(code, trimmedSpan(code));
  const isEmpty = region.start === region.end || inner.length === 0;
  const replaced = isEmpty ? span : region;
  return { span: replaced, lines: fitted(inner, slice(lines, replaced)) };
}

type Piece = Placing & {
  /** New chunks, to go before it and behind it. */
  readonly ahead: readonly (readonly string[])[];
  readonly behind: (readonly string[])[];
};

/**
 * Places each piece of code where it was, and keeps what is between them. Null if there is no place for any, or, if it
 * is strict, for one.
 */
function piecewise(
  lines: readonly string[],
  code: readonly string[],
  within: Span,
  isStrict: boolean,
): Placing | null {
  const pieces: Piece[] = [];
  let waiting: (readonly string[])[] = [];
  for (const chunk of chunksOf(code)) {
    const found = find(chunk, lines, within);
    if (found) {
      pieces.push({ ...replacing(lines, chunk.lines, found), ahead: waiting, behind: [] });
      waiting = [];
    } else if (isStrict) return null;
    else (pieces.at(-1)?.behind ?? waiting).push(chunk.lines);
  }
  return joined(lines, pieces);
}

/** Joins pieces, with the lines between them. Null if two claim the same lines. */
function joined(lines: readonly string[], pieces: readonly Piece[]): Placing | null {
  const sorted = pieces.toSorted((one, other) => one.span.start - other.span.start);
  const first = sorted[0];
  if (first === undefined) return null;
  let end = first.span.start;
  const result: string[] = [];
  for (const piece of sorted) {
    if (piece.span.start < end) return null;
    const region = slice(lines, piece.span);
    result.push(...lines.slice(end, piece.span.start));
    for (const chunk of piece.ahead) result.push(...indented(chunk, region), "");
    result.push(...piece.lines);
    for (const chunk of piece.behind) result.push("", ...indented(chunk, region));
    end = piece.span.end;
  }
  return { span: { start: first.span.start, end }, lines: result };
}

/** Places code on the lines that were asked about; null if it is about others. */
function placedInRange(lines: readonly string[], code: readonly string[], range: Span): Placing | null {
  const start = clamped(range.start, 0, lines.length);
  const within = { start, end: clamped(range.end, start, lines.length) };
  if (isElsewhere(lines, code, within)) return null;
  const pieces = code.some(isPlaceholder) ? piecewise(lines, code, within, true) : null;
  return pieces ?? replacing(lines, code, within);
}

/** Says which lines code replaces, and by what. */
export function place(lines: readonly string[], code: readonly string[], hints: Hints): Placing {
  const inRange = hints.range ? placedInRange(lines, code, hints.range) : null;
  if (inRange) return inRange;
  const inner = slice(code, trimmedSpan(code));
  if (lines.every(isBlank)) return { span: all(lines), lines: inner };
  if (isWhole(lines, inner)) return replacing(lines, inner, all(lines));
  const pieces = piecewise(lines, inner, all(lines), false);
  if (pieces) return pieces;
  const row = clamped((hints.cursor ?? lines.length) + 1, 0, lines.length);
  return { span: { start: row, end: row }, lines: inner };
}
