/**
 * Colours for code: comments, strings, numbers and the commonest keywords, by a few families of languages.
 *
 * It is no grammar. What it does not know it leaves plain, and the text is always the same.
 */

export type Part = {
  readonly kind: "plain" | "comment" | "string" | "number" | "keyword" | "added" | "removed";
  readonly text: string;
};

/** Longer code stays plain: nobody reads it here. */
const MAX_CHARS = 40_000;

const C_COMMENT = String.raw`\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)`;
const HASH_COMMENT = String.raw`(?<![\w$&])#[^\n]*`;
const STRINGS = String.raw`"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?`;
const LONG_STRINGS = String.raw`"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)`;
const TEMPLATE = "`(?:\\\\[\\s\\S]|[^`\\\\])*`?";

const FAMILIES = {
  c: { comment: C_COMMENT, string: `${STRINGS}|${TEMPLATE}` },
  rust: { comment: C_COMMENT, string: String.raw`"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\\n])'` },
  python: { comment: HASH_COMMENT, string: `${LONG_STRINGS}|${STRINGS}` },
  shell: { comment: HASH_COMMENT, string: String.raw`"(?:\\[\s\S]|[^"\\])*"?|'[^']*'?` },
  lua: { comment: String.raw`--\[\[[\s\S]*?(?:\]\]|$)|--[^\n]*`, string: STRINGS },
  markup: { comment: String.raw`<!--[\s\S]*?(?:-->|$)`, string: String.raw`"[^"]*"|'[^'\n]*'` },
  json: { comment: C_COMMENT, string: STRINGS },
} as const;

type Family = keyof typeof FAMILIES;

const LANGUAGES: Readonly<Record<Family, string>> = {
  c: "c h cpp c++ cc hpp cs csharp java js javascript jsx ts typescript tsx go kotlin kt swift scala dart php groovy css scss less proto zig",
  rust: "rust rs",
  python: "python py python3 pyi ruby rb elixir nim",
  shell:
    "sh bash zsh shell console fish yaml yml toml ini conf dockerfile make makefile r perl powershell ps1 nix cmake",
  lua: "lua sql haskell hs ada vhdl elm",
  markup: "html xml svg vue svelte markdown md",
  json: "json jsonc json5",
};

const FAMILY_OF: ReadonlyMap<string, Family> = new Map(
  (Object.keys(FAMILIES) as Family[]).flatMap((family) =>
    LANGUAGES[family].split(" ").map((language): [string, Family] => [language, family]),
  ),
);

const KEYWORDS: ReadonlySet<string> = new Set(
  (
    "abstract and as assert async await begin break case catch class const continue def default defer delete do " +
    "done elif else elsif end enum esac except export extends false False fi final finally fn for foreach from func " +
    "function global go goto if impl implements import in include instanceof interface is lambda let local loop " +
    "match mod module move mut namespace new nil None nonlocal not null nullptr of operator or package pass private " +
    "protected protocol pub public raise readonly record repeat require return satisfies select self Self static " +
    "struct super switch template then this throw throws trait true True try type typedef typeof undefined union " +
    "unless unsafe until use using val var virtual void volatile when where while with yield " +
    "SELECT FROM WHERE INSERT INTO VALUES UPDATE SET DELETE CREATE TABLE JOIN LEFT ON AND OR NOT NULL ORDER GROUP BY " +
    "LIMIT AS PRIMARY KEY int float double char bool boolean string str number long short unsigned"
  ).split(" "),
);

/** Returns the pieces of some code, in order: together they are the code. */
export function highlighted(code: string, language: string): readonly Part[] {
  const name = language.toLowerCase();
  if (code.length > MAX_CHARS) return [{ kind: "plain", text: code }];
  if (name === "diff" || name === "patch") return differences(code);
  const family = FAMILY_OF.get(name);
  return family === undefined ? [{ kind: "plain", text: code }] : lexed(code, family);
}

function differences(code: string): readonly Part[] {
  return code.split(/(?<=\n)/).map((text) => {
    const kind = text.startsWith("+") ? "added" : text.startsWith("-") ? "removed" : "plain";
    return { kind, text };
  });
}

function lexed(code: string, family: Family): readonly Part[] {
  const { comment, string } = FAMILIES[family];
  const hasKeywords = family !== "markup";
  const number = String.raw`(?<![\w$])\d[\w.]*`;
  const pattern = new RegExp(`(${comment})|(${string})|(${number})|([A-Za-z_$][\\w$]*)`, "g");
  const parts: Part[] = [];
  let at = 0;
  for (const found of code.matchAll(pattern)) {
    const [text, isComment, isString, isNumber] = found;
    const kind = isComment ? "comment" : isString ? "string" : isNumber ? "number" : "keyword";
    if (kind === "keyword" && !(hasKeywords && KEYWORDS.has(text))) continue;
    if (found.index > at) parts.push({ kind: "plain", text: code.slice(at, found.index) });
    parts.push({ kind, text });
    at = found.index + text.length;
  }
  if (at < code.length) parts.push({ kind: "plain", text: code.slice(at) });
  return parts;
}
