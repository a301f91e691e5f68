/**
 * What is within a paragraph: emphasis, code, links. Follows CommonMark's rules of delimiters; its time grows with
 * the text's length alone, whatever the text is.
 */
import { type Brackets, type Delimiter, type Token, tokens } from "./tokens";
import type { Inline } from "./tree";

/** Marks that wait for their end; with more of them the oldest is taken as text. */
const MAX_OPEN = 12;

type Part = Inline | Delimiter;

export function inlines(text: string): readonly Inline[] {
  return tree(tokens(text), false);
}

function tree(found: readonly Token[], isInLink: boolean): readonly Inline[] {
  const parts: Part[] = [];
  const open: number[] = [];
  for (const token of found) {
    switch (token.kind) {
      case "delimiter":
        take(token, parts, open);
        break;
      case "brackets":
        parts.push(linked(token, isInLink));
        break;
      case "link":
        parts.push(isInLink ? { kind: "text", text: token.url } : token);
        break;
      default:
        parts.push(token);
    }
  }
  return joined(parts);
}

function linked(token: Brackets, isInLink: boolean): Inline {
  if (token.isImage) return { kind: "image", url: token.url, alt: token.source };
  if (isInLink) return { kind: "text", text: token.source };
  return { kind: "link", url: token.url, children: tree(token.inner, true) };
}

/** Ends what a delimiter ends, and lets the rest of it wait for an end of its own. */
function take(token: Delimiter, parts: Part[], open: number[]): void {
  let left = token.length;
  while (token.canClose && left > 0) {
    const found = open.findLastIndex((index) => isEnd(parts[index], token, left));
    const index = open[found];
    const opener = index === undefined ? undefined : parts[index];
    if (index === undefined || opener?.kind !== "delimiter") break;
    const used = opener.length >= 2 && left >= 2 ? 2 : 1;
    const children = joined(parts.splice(index + 1));
    open.length = found + 1;
    const rest = opener.length - used;
    if (rest > 0) parts[index] = { ...opener, length: rest };
    else {
      parts.pop();
      open.pop();
    }
    parts.push({ kind: emphasisOf(token.mark, used), children });
    left -= used;
  }
  if (left === 0) return;
  if (token.canOpen) open.push(parts.length);
  if (open.length > MAX_OPEN) open.shift();
  parts.push({ ...token, length: left });
}

function emphasisOf(mark: string, used: number): "emphasis" | "strong" | "strike" {
  if (mark === "~") return "strike";
  return used === 2 ? "strong" : "emphasis";
}

function isEnd(opener: Part | undefined, closer: Delimiter, left: number): boolean {
  if (opener?.kind !== "delimiter" || opener.mark !== closer.mark) return false;
  // CommonMark's rule of three: `*a**b*` is one emphasis, not two.
  const isAmbiguous = (opener.canClose || closer.canOpen) && (opener.whole + closer.whole) % 3 === 0;
  const areThirds = opener.whole % 3 === 0 && closer.whole % 3 === 0;
  return left > 0 && (!isAmbiguous || areThirds);
}

/** Returns parts with text in one piece; marks that nothing has ended are text. */
function joined(parts: readonly Part[]): readonly Inline[] {
  const found: Inline[] = [];
  let text = "";
  const flush = () => {
    if (text !== "") found.push({ kind: "text", text });
    text = "";
  };
  for (const part of parts) {
    if (part.kind === "text") text += part.text;
    else if (part.kind === "delimiter") text += part.mark.repeat(part.length);
    else {
      flush();
      found.push(part);
    }
  }
  flush();
  return found;
}
