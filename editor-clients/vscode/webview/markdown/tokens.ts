/** The pieces of a line of markdown, before it is known which emphasis ends where. */

import { bareUrlAt, destinationAt, pointedAt } from "./destinations";
import { entityAt } from "./entities";
import type { Inline } from "./tree";

/** A run of marks that may begin or end emphasis. `whole` is how long it was at first. */
export type Delimiter = {
  readonly kind: "delimiter";
  readonly mark: string;
  readonly length: number;
  readonly whole: number;
  readonly canOpen: boolean;
  readonly canClose: boolean;
};

/** A link or an image in brackets. */
export type Brackets = {
  readonly kind: "brackets";
  readonly isImage: boolean;
  readonly url: string;
  /** What stood between the brackets. */
  readonly source: string;
  readonly inner: readonly Token[];
};

export type Token = Exclude<Inline, { readonly children: readonly Inline[] }> | Delimiter | Brackets | Link;
type Link = Extract<Inline, { readonly kind: "link" }>;

/** A bracket that may turn out to begin a link: where its token is, and where its text begins. */
type Opening = { readonly token: number; readonly start: number; readonly isImage: boolean };

/** Longer runs of marks are a line that somebody has drawn. */
const MAX_RUN = 4;
const PLAIN = /[^\\`<![\]*_~&:\n]+/y;
const BREAK_TAG = /<br[ \t]*\/?>/iy;
const SCHEME = /(?<![\p{L}\p{N}])https?$/iu;
/** As long as the longest scheme, and what is before it. */
const SCHEME_CHARS = 6;
const PUNCTUATION = /[\p{P}\p{S}]/u;

export function tokens(text: string): readonly Token[] {
  return new Reader(text).read();
}

/** Reads one text from left to right, once. */
class Reader {
  private readonly found: Token[] = [];
  private readonly open: Opening[] = [];
  private readonly backticks: Map<number, number[]>;
  private plain = "";
  private at = 0;
  private lastLink = -1;

  constructor(private readonly text: string) {
    this.backticks = runs(text);
  }

  read(): readonly Token[] {
    while (this.at < this.text.length) this.at += this.step();
    this.flush();
    return this.found;
  }

  /** Reads one piece; returns of how many characters. So do all methods that it calls. */
  private step(): number {
    const char = this.text.charAt(this.at);
    switch (char) {
      case "\\":
        return this.escape();
      case "`":
        return this.code();
      case "<":
        return this.angle();
      case "!":
      case "[":
        return this.opening();
      case "]":
        return this.closing();
      case "*":
      case "_":
      case "~":
        return this.delimiter(char);
      case "&":
        return this.entity();
      case ":":
        return this.bareUrl();
      case "\n":
        return this.lineEnd();
      default:
        PLAIN.lastIndex = this.at;
        return this.say(PLAIN.exec(this.text)?.[0] ?? char);
    }
  }

  private say(text: string, taken = text.length): number {
    this.plain += text;
    return taken;
  }

  private add(token: Token, taken: number): number {
    this.flush();
    this.found.push(token);
    return taken;
  }

  private flush(): void {
    if (this.plain !== "") this.found.push({ kind: "text", text: this.plain });
    this.plain = "";
  }

  private escape(): number {
    const next = this.text.charAt(this.at + 1);
    if (next === "\n") return this.add({ kind: "break" }, 2);
    const isEscape = /[!-/:-@[-`{-~]/.test(next);
    return this.say(isEscape ? next : "\\", isEscape ? 2 : 1);
  }

  private lineEnd(): number {
    const isBreak = this.plain.endsWith("  ");
    this.plain = this.plain.trimEnd();
    if (isBreak) return this.add({ kind: "break" }, 1);
    this.say("\n");
    this.flush();
    return 1;
  }

  private code(): number {
    const length = runLength(this.text, this.at);
    const ends = this.backticks.get(length) ?? [];
    while (ends.length > 0 && (ends.at(-1) ?? 0) < this.at + length) ends.pop();
    const end = ends.at(-1);
    if (end === undefined) return this.say("`".repeat(length));
    const inner = this.text.slice(this.at + length, end).replaceAll("\n", " ");
    const isPadded = inner.startsWith(" ") && inner.endsWith(" ") && inner.trim() !== "";
    return this.add({ kind: "code", text: isPadded ? inner.slice(1, -1) : inner }, end + length - this.at);
  }

  /** Takes `<https://…>` as a link, and the one tag that models write in tables, `<br>`. All others are text. */
  private angle(): number {
    BREAK_TAG.lastIndex = this.at;
    const tag = BREAK_TAG.exec(this.text);
    if (tag !== null) return this.add({ kind: "break" }, tag[0].length);
    const link = pointedAt(this.text, this.at);
    if (link === null) return this.say("<");
    return this.add(
      { kind: "link", url: link.url, children: [{ kind: "text", text: link.text }] },
      link.length,
    );
  }

  private bareUrl(): number {
    const scheme = SCHEME.exec(this.text.slice(Math.max(0, this.at - SCHEME_CHARS), this.at))?.[0];
    const rest = scheme === undefined ? null : bareUrlAt(this.text, this.at);
    if (scheme === undefined || rest === null) return this.say(":");
    this.plain = this.plain.slice(0, -scheme.length);
    const url = scheme + rest;
    return this.add({ kind: "link", url, children: [{ kind: "text", text: url }] }, rest.length);
  }

  private entity(): number {
    const found = entityAt(this.text, this.at);
    if (found === null) return this.say("&");
    return this.say(found.text, found.length);
  }

  private delimiter(mark: string): number {
    const length = runLength(this.text, this.at);
    const isRun = mark === "~" ? length === 2 : length <= MAX_RUN;
    if (!isRun) return this.say(mark.repeat(length));
    const before = characterBefore(this.text, this.at);
    const after = characterAfter(this.text, this.at + length);
    const isLeft =
      !isSpace(after) && (!PUNCTUATION.test(after) || isSpace(before) || PUNCTUATION.test(before));
    const isRight =
      !isSpace(before) && (!PUNCTUATION.test(before) || isSpace(after) || PUNCTUATION.test(after));
    const isWordy = mark === "_";
    const canOpen = isLeft && (!isWordy || !isRight || PUNCTUATION.test(before));
    const canClose = isRight && (!isWordy || !isLeft || PUNCTUATION.test(after));
    return this.add({ kind: "delimiter", mark, length, whole: length, canOpen, canClose }, length);
  }

  private opening(): number {
    const isImage = this.text.startsWith("![", this.at);
    if (!isImage && this.text.charAt(this.at) === "!") return this.say("!");
    const mark = isImage ? "![" : "[";
    this.flush();
    this.open.push({ token: this.found.length, start: this.at + mark.length, isImage });
    return this.add({ kind: "text", text: mark }, mark.length);
  }

  private closing(): number {
    const opening = this.open.pop();
    // There are no links in links: what was open around the last one is text.
    const isActive = opening !== undefined && (opening.isImage || opening.start > this.lastLink);
    const target = isActive ? destinationAt(this.text, this.at + 1) : null;
    if (opening === undefined || target === null) return this.say("]");
    this.flush();
    const inner = this.found.splice(opening.token).slice(1);
    const source = this.text.slice(opening.start, this.at);
    const { isImage } = opening;
    if (!isImage) this.lastLink = opening.start;
    return this.add({ kind: "brackets", isImage, url: target.url, source, inner }, target.end - this.at);
  }
}

/** Returns where the runs of backticks of each length are, the last one first. */
function runs(text: string): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const run of text.matchAll(/`+/g)) {
    const length = run[0].length;
    const starts = found.get(length);
    if (starts === undefined) found.set(length, [run.index]);
    else starts.push(run.index);
  }
  for (const starts of found.values()) starts.reverse();
  return found;
}

function runLength(text: string, at: number): number {
  const mark = text.charAt(at);
  let end = at;
  while (text.charAt(end) === mark) end += 1;
  return end - at;
}

function characterBefore(text: string, at: number): string {
  const code = text.codePointAt(at - 2);
  const isPair = code !== undefined && code > 0xffff;
  return isPair ? String.fromCodePoint(code) : text.charAt(at - 1);
}

function characterAfter(text: string, at: number): string {
  const code = text.codePointAt(at);
  return code === undefined ? "" : String.fromCodePoint(code);
}

function isSpace(char: string): boolean {
  return char === "" || /\s/.test(char);
}
