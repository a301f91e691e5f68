/** Indents code as the lines that it replaces: models take away what a block was indented by. Pure. */
import { indentOf, isBlank, isPlaceholder, widthOf } from "./code";

/** Returns the indentation that all lines share; null without any. */
function commonIndent(lines: readonly string[]): string | null {
  let common: string | null = null;
  for (const line of lines) {
    if (isBlank(line) || isPlaceholder(line)) continue;
    const indent = indentOf(line);
    common ??= indent;
    while (!indent.startsWith(common)) common = common.slice(0, -1);
  }
  return common;
}

/** Returns what one step of indentation is: a tab, or the fewest spaces that are used. */
function unitOf(lines: readonly string[]): string | null {
  let unit: string | null = null;
  for (const line of lines) {
    const indent = indentOf(line);
    if (indent.includes("\t")) return "\t";
    if (indent !== "" && !isBlank(line) && (unit === null || indent.length < unit.length)) unit = indent;
  }
  return unit;
}

/** Returns code, indented as the lines that it replaces if it is indented less. */
export function indented(code: readonly string[], region: readonly string[]): readonly string[] {
  const wanted = commonIndent(region);
  const given = commonIndent(code);
  if (wanted === null || given === null || widthOf(wanted) <= widthOf(given)) return code;
  const theirs = unitOf(code.map((line) => line.slice(given.length)));
  const ours = unitOf(region);
  const differ = theirs !== null && ours !== null && (theirs === "\t") !== (ours === "\t");
  return code.map((line) => {
    if (isBlank(line)) return line;
    const indent = indentOf(line);
    const inner = indent.startsWith(given) ? indent.slice(given.length) : "";
    return wanted + (differ ? inner.replaceAll(theirs, ours) : inner) + line.slice(indent.length);
  });
}
