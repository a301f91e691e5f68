/** Reads what the page tells. It shows foreign text, so nothing that it says is taken for granted. Pure. */
import type { FromPage } from "./wire";

const MAX_CHARS = 4_000_000;
const SCHEMES: ReadonlySet<string> = new Set(["http:", "https:", "mailto:"]);

/** Returns a message of the page, or null if it makes no sense. */
export function parsed(value: unknown): FromPage | null {
  if (typeof value !== "object" || value === null) return null;
  const said = value as Record<string, unknown>;
  switch (said.type) {
    case "ready":
    case "stop":
    case "retry":
    case "attach":
    case "chooseModel":
      return { type: said.type };
    case "typed":
    case "send":
    case "copy":
    case "insert":
      return isText(said.text) ? { type: said.type, text: said.text } : null;
    case "detach":
      return isText(said.id) ? { type: "detach", id: said.id } : null;
    case "apply":
      if (!isText(said.turn) || !isText(said.code) || !isText(said.language)) return null;
      return { type: "apply", turn: said.turn, code: said.code, language: said.language };
    case "explain":
      return isText(said.turn) ? { type: "explain", turn: said.turn } : null;
    case "open":
      return isText(said.url) && isOpenable(said.url) ? { type: "open", url: said.url } : null;
    case "run":
      return isText(said.command) ? { type: "run", command: said.command } : null;
    default:
      return null;
  }
}

/** Says whether an address may be handed to the system: one with a name before its host looks like another one. */
function isOpenable(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, username, password } = new URL(url);
  return SCHEMES.has(protocol) && username === "" && password === "";
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_CHARS;
}
