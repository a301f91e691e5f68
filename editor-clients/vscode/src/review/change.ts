/** What a document would be with a code block of an answer in it. Pure. */
import { isBlank } from "./code";
import { type Hints, place } from "./placing";

/** Returns the lines of a text, however they end. */
export function linesOf(text: string): readonly string[] {
  return text.split(/\r\n|\r|\n/);
}

/** Returns a document's lines without the empty one that only says that the text ends with a line end. */
function withoutEnd(lines: readonly string[]): readonly string[] {
  return lines.length > 1 && lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** Returns a document's lines with the code where it belongs. They end as they did; those of an empty one with a line end. */
export function proposedLines(lines: readonly string[], code: string, hints: Hints): readonly string[] {
  const inner = withoutEnd(lines);
  const { span, lines: placed } = place(inner, withoutEnd(linesOf(code.replaceAll("\0", ""))), hints);
  const next = [...inner.slice(0, span.start), ...placed, ...inner.slice(span.end)];
  const hasEnd = inner.length < lines.length || lines.every(isBlank);
  return hasEnd ? [...next, ""] : next;
}
