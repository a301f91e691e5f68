/** The keys of providers as one text, which the secret storage holds. Pure; it knows neither the storage nor the server. */

/** A provider's name to its key. */
export type Keyring = ReadonlyMap<string, string>;

/** Vendors that a key may be for. The server has the last word, and knows those of the user's settings too. */
export const PROVIDERS = [
  "openrouter",
  "anthropic",
  "openai",
  "google",
  "mistral",
  "codestral",
  "deepseek",
  "xai",
  "groq",
  "cerebras",
  "zai",
  "together",
] as const;

const KEY = /^[\x21-\x7e]{1,4096}$/;
const LIKE_A_KEY = /^(sk|pk|gsk|xai|csk)[-_]|.{40}/;

/** Reads what was kept; what can't be read counts as no keys. */
export function keyringOf(text: string | undefined): Keyring {
  try {
    const kept: unknown = JSON.parse(text ?? "{}");
    if (typeof kept !== "object" || kept === null || Array.isArray(kept)) return new Map();
    const entries = Object.entries(kept);
    return new Map(entries.filter((one): one is [string, string] => typeof one[1] === "string"));
  } catch {
    return new Map();
  }
}

export function textOf(keyring: Keyring): string {
  return JSON.stringify(Object.fromEntries(keyring));
}

/** Returns what to tell a server that knows the keys `before`: a key, or null for one that it has to forget. */
export function changes(before: Keyring, after: Keyring): ReadonlyMap<string, string | null> {
  const gone = [...before.keys()].filter((provider) => !after.has(provider));
  const changed = [...after].filter(([provider, key]) => before.get(provider) !== key);
  return new Map([...gone.map((provider) => [provider, null] as const), ...changed]);
}

/** Says what is wrong with what was typed as a key; null if nothing is. Never repeats it. */
export function problemOf(typed: string): string | null {
  const key = typed.trim();
  if (key === "" || KEY.test(key)) return null;
  return "This key has spaces, line ends or characters outside ASCII. Copy it again, alone.";
}

/** Says what is wrong with what was typed as a provider's name, where everybody can read it; null if nothing is. */
export function nameProblemOf(typed: string): string | null {
  return LIKE_A_KEY.test(typed.trim()) ? "This looks like a key. Its provider's name comes first." : null;
}
