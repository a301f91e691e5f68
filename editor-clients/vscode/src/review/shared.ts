/** Which lines two texts share, in order: what a difference, a merge and a place for code begin with. Pure. */
import { lineAt, type Span } from "./code";

/** A line of one text and the same one of the other. */
export type Pair = { readonly a: number; readonly b: number };

/** Returns where each key is that is there once. */
function uniqueRows(keys: readonly string[], span: Span): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  const twice = new Set<string>();
  for (let row = span.start; row < span.end; row += 1) {
    const key = lineAt(keys, row);
    if (rows.has(key)) twice.add(key);
    rows.set(key, row);
  }
  for (const key of twice) rows.delete(key);
  return rows;
}

/**
 * Returns pairs of keys that are once in each of two texts and in the same order: the longest such list. Only those
 * lines of the first text count that may.
 */
export function uniquePairs(
  a: readonly string[],
  b: readonly string[],
  inB: Span,
  mayCount: (a: number) => boolean,
): readonly Pair[] {
  type Link = Pair & { readonly previous: Link | undefined };
  const rows = uniqueRows(b, inB);
  const ends: Link[] = []; // the list of each length that ends first
  for (const [key, row] of [...uniqueRows(a, { start: 0, end: a.length })].sort(
    (one, other) => one[1] - other[1],
  )) {
    const found = rows.get(key);
    if (found === undefined || !mayCount(row)) continue;
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle]?.b ?? 0) < found) low = middle + 1;
      else high = middle;
    }
    ends[low] = { a: row, b: found, previous: ends[low - 1] };
  }
  const pairs: Pair[] = [];
  for (let link = ends.at(-1); link; link = link.previous) pairs.push({ a: link.a, b: link.b });
  return pairs.reverse();
}

/**
 * Returns pairs with all that are the same next to one of them, and both ends of the texts, which count as shared: the
 * first pair is before the first lines, the last one behind the last.
 */
export function grown(
  pairs: readonly Pair[],
  size: Pair,
  isSame: (a: number, b: number) => boolean,
): readonly Pair[] {
  let low: Pair = { a: -1, b: -1 };
  const all = [low];
  for (const pair of [...pairs, size]) {
    let high = pair;
    const isBetween = (a: number, b: number) => a > low.a && b > low.b && a < high.a && b < high.b;
    while (isBetween(low.a + 1, low.b + 1) && isSame(low.a + 1, low.b + 1)) {
      low = { a: low.a + 1, b: low.b + 1 };
      all.push(low);
    }
    const upward = [high];
    while (isBetween(high.a - 1, high.b - 1) && isSame(high.a - 1, high.b - 1)) {
      high = { a: high.a - 1, b: high.b - 1 };
      upward.push(high);
    }
    all.push(...upward.reverse());
    low = pair;
  }
  return all;
}
