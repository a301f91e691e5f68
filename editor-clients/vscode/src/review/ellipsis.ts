/**
 * Puts lines back in for the comments that stand for them, such as `// ... existing code ...`. Pure.
 *
 * Nothing is lost because of one: where it is not clear how far it reaches, it stands for all lines between those that
 * are in both texts.
 */
import { indentOf, isLike, isPlaceholder, isTelling, keyOf, lineAt, saysSomething } from "./code";
import { grown, type Pair, uniquePairs } from "./shared";

/** Returns the pairs of lines that two texts share; both ends count as shared. */
function alignment(
  code: readonly string[],
  region: readonly string[],
  stands: readonly boolean[],
): readonly Pair[] {
  const keys = code.map(keyOf);
  const others = region.map(keyOf);
  const anchors = uniquePairs(keys, others, { start: 0, end: others.length }, (a) =>
    isTelling(lineAt(keys, a), lineAt(code, a)),
  );
  const depths = code.filter((_, row) => stands[row]).map((line) => indentOf(line).length);
  const depth = depths.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
  // A bracket that is as deep as the comment may well close something else than the same one there.
  return grown(anchors, { a: code.length, b: region.length }, (a, b) => {
    const key = lineAt(keys, a);
    if (stands[a] || key !== lineAt(others, b)) return false;
    return saysSomething(key) || key === "" || indentOf(lineAt(code, a)).length < depth;
  });
}

/**
 * Returns which lines of a region a comment between two shared lines stands for: all but those that lines of code next
 * to the shared ones are versions of. If one of these is none, all: it is not known what they replace.
 */
function leftOut(
  code: readonly string[],
  region: readonly string[],
  stands: readonly boolean[],
  [low, high]: readonly [Pair, Pair],
): readonly string[] {
  const versions = (a: number, b: number, step: 1 | -1, isFree: (row: number) => boolean): number => {
    let count = 0;
    for (; !stands[a + step * count]; count += 1) {
      const [one, other] = [a + step * count, b + step * count];
      if (!isFree(other) || !isLike(lineAt(code, one), lineAt(region, other))) return 0;
    }
    return count;
  };
  const first = low.b + 1 + versions(low.a + 1, low.b + 1, 1, (row) => row < high.b);
  const end = high.b - versions(high.a - 1, high.b - 1, -1, (row) => row >= first);
  return region.slice(first, end);
}

/** Returns code with the lines of the region that its comments stand for. */
export function filledIn(code: readonly string[], region: readonly string[]): readonly string[] {
  const there = new Set(region.map((line) => line.trim()));
  const stands = code.map((line) => isPlaceholder(line) && !there.has(line.trim()));
  if (!stands.includes(true)) return code;
  const lines: string[] = [];
  const shared = alignment(code, region, stands);
  for (let n = 1; n < shared.length; n += 1) {
    const [low, high] = [shared[n - 1], shared[n]];
    if (low === undefined || high === undefined) continue;
    let isFilled = false;
    for (let row = low.a + 1; row < high.a; row += 1) {
      const line = lineAt(code, row);
      if (!stands[row]) lines.push(line);
      else if (!isFilled) {
        isFilled = true;
        const kept = leftOut(code, region, stands, [low, high]);
        lines.push(...(kept.length === 0 && line.trim() === "..." ? [line] : kept));
      }
    }
    if (high.a < code.length) lines.push(lineAt(code, high.a));
  }
  return lines;
}
