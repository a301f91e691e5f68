/** What others wrote, made fit to be shown in one line or sent as JSON. Pure. */

/** Turns what follows round, or is a letter that nobody sees: a file's name may look like another one by it. */
const DECEIVING = /[\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/gu;

/** Returns a text on one line, without what no screen can show and what shows it as another. */
export function line(text: string): string {
  return text
    .replace(/\s+/gu, " ")
    .replace(/\p{Cc}/gu, "")
    .replace(DECEIVING, "")
    .trim();
}

/** Returns the same for lists of VS Code's, where `$(name)` would be a picture. */
export function label(text: string): string {
  return line(text).replaceAll("$(", "$\u200b(");
}

/** Returns the same for messages of VS Code's, where `[words](command:name)` would be a link that runs a command. */
export function unlinked(text: string): string {
  return text.replaceAll("](", "]\u200b(");
}

/** Returns a text without what no JSON may have, or what no UTF-8 can hold. */
export function sendable(text: string): string {
  return text.replaceAll("\0", "").replace(/\p{Surrogate}/gu, "\ufffd");
}
