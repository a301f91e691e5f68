/** Where links lead, as it stands in markdown, and which of those places may be opened. */
import { resolved } from "./entities";

const MAX_PARENTHESES = 32;
const OPENABLE: ReadonlySet<string> = new Set(["http:", "https:", "mailto:"]);

/** Returns a URL as it will be opened, if it may be: on the web or a mail, without a name and password in it. */
export function openable(url: string): string | null {
  if (!URL.canParse(url)) return null;
  const parsed = new URL(url);
  const isPlain = parsed.username === "" && parsed.password === "";
  return OPENABLE.has(parsed.protocol) && isPlain ? parsed.href : null;
}

/** Reads `(url "title")`. The title is skipped: what is shown beside a link is where it leads. */
export function destinationAt(
  text: string,
  at: number,
): { readonly url: string; readonly end: number } | null {
  if (text.charAt(at) !== "(") return null;
  const start = blanksEnd(text, at + 1);
  const found = text.charAt(start) === "<" ? pointed(text, start) : balanced(text, start);
  if (found === null) return null;
  const afterUrl = blanksEnd(text, found.end);
  const titleEnd = afterUrl > found.end ? titleEndAt(text, afterUrl) : afterUrl;
  const end = blanksEnd(text, titleEnd);
  if (text.charAt(end) !== ")") return null;
  const url = found.url.replace(/\\([!-/:-@[-`{-~])/g, "$1");
  return { url: resolved(url), end: end + 1 };
}

function blanksEnd(text: string, at: number): number {
  let end = at;
  while (/[ \t\n]/.test(text.charAt(end))) end += 1;
  return end;
}

type Found = { readonly url: string; readonly end: number };

function pointed(text: string, at: number): Found | null {
  const found = stickily(/<((?:\\.|[^<>\\\n])*)>/y, text, at);
  return found === null ? null : { url: found[1] ?? "", end: at + found[0].length };
}

/** Takes all up to a blank, or to the parenthesis that closes the link's own. */
function balanced(text: string, at: number): Found | null {
  let depth = 0;
  let end = at;
  for (; end < text.length; end += 1) {
    const char = text.charAt(end);
    if (char <= " ") break;
    if (char === "\\") end += 1;
    if (char === "(") depth += 1;
    if (depth > MAX_PARENTHESES) return null;
    if (char === ")") depth -= 1;
    if (depth < 0) break;
  }
  return depth > 0 ? null : { url: text.slice(at, end), end };
}

/** Returns where a title ends; where it begins if there is none. */
function titleEndAt(text: string, at: number): number {
  const found = stickily(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\((?:\\.|[^()\\])*\)/y, text, at);
  return at + (found?.[0].length ?? 0);
}

/** Reads `<https://…>` or `<somebody@example.org>`. */
export function pointedAt(
  text: string,
  at: number,
): { readonly url: string; readonly text: string; readonly length: number } | null {
  const found = stickily(/<([a-z][a-z0-9+.-]{1,31}:[^\s<>]*)>/iy, text, at);
  if (found?.[1] !== undefined) return { url: found[1], text: found[1], length: found[0].length };
  const mail = stickily(/<([\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+)>/y, text, at);
  if (mail?.[1] === undefined) return null;
  return { url: `mailto:${mail[1]}`, text: mail[1], length: mail[0].length };
}

/** Reads what follows `https`, without what ends the sentence that it is in. */
export function bareUrlAt(text: string, at: number): string | null {
  const found = stickily(/:\/\/[^\s<>`|"\]]+/y, text, at)?.[0];
  if (found === undefined) return null;
  let unopened = count(found, ")") - count(found, "(");
  let end = found.length;
  for (; end > 0; end -= 1) {
    const last = found.charAt(end - 1);
    const isStray = last === ")" && unopened > 0;
    if (isStray) unopened -= 1;
    else if (!"?!.,:;*_~'}".includes(last)) break;
  }
  return end > "://".length ? found.slice(0, end) : null;
}

function count(text: string, char: string): number {
  return text.split(char).length - 1;
}

function stickily(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
