/** The few character references that models write, such as `&lt;`; all others stay as they are. */

const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  apos: "'",
  gt: ">",
  hellip: "…",
  lt: "<",
  mdash: "—",
  nbsp: "\u00a0",
  ndash: "–",
  quot: '"',
  rarr: "→",
  times: "×",
};
const ENTITY = /&(?:([a-z]{2,6})|#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6}));/y;
const REPLACEMENT = 0xfffd;

function isCharacter(code: number): boolean {
  const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
  return !isControl && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
}

export function entityAt(
  text: string,
  at: number,
): { readonly text: string; readonly length: number } | null {
  ENTITY.lastIndex = at;
  const found = ENTITY.exec(text);
  if (found === null) return null;
  const [{ length }, name, decimal, hexadecimal] = found;
  if (name !== undefined) {
    const named = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
    return named === undefined ? null : { text: named, length };
  }
  const code = decimal === undefined ? Number.parseInt(hexadecimal ?? "", 16) : Number(decimal);
  return { text: String.fromCodePoint(isCharacter(code) ? code : REPLACEMENT), length };
}

/** Returns a text with the references in it resolved. */
export function resolved(text: string): string {
  return text.replace(/&[#\w]+;/g, (one) => entityAt(one, 0)?.text ?? one);
}
