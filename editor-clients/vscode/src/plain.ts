/** What others wrote, made fit to be shown in one line or sent as JSON. Pure. */

/** Returns a text on one line, without what no screen can show. */
export function line(text: string): string {
  return text
    .replace(/\s+/gu, " ")
    .replace(/\p{Cc}/gu, "")
    .trim();
}

/** Returns the same for lists of VS Code's, where `$(name)` would be a picture. */
export function label(text: string): string {
  return line(text).replaceAll("$(", "$\u200b(");
}

/** Returns a text without what no JSON may have, or what no UTF-8 can hold. */
export function sendable(text: string): string {
  return text.replaceAll("\0", "").replace(/\p{Surrogate}/gu, "\ufffd");
}
