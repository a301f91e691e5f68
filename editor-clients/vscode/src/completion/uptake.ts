/**
 * What became of a suggestion, as far as the editor lets one know: VS Code tells an extension neither that ghost text was shown nor that a part
 * of it was accepted. Pure.
 */

export type Shown = {
  readonly id: string;
  readonly uri: string;
  readonly text: string;
  /** Where it stands: what is typed along it has been taken off `text`'s front already. */
  readonly line: number;
  readonly character: number;
  /** How many UTF-16 units of it are in the document by now. */
  readonly accepted: number;
};

export type Change = {
  readonly uri: string;
  readonly line: number;
  readonly character: number;
  /** How much was replaced, in UTF-16 units. */
  readonly replaced: number;
  readonly text: string;
};

/** Typed by the editor in one go, with a bracket or a quote of its own. */
const PAIR = /^(\(\)|\[\]|\{\}|<>|""|''|``)$/;

/**
 * Returns how a suggestion stands after a change: moved along, or null once it is gone. `partial` is the length of what
 * is accepted so far if this change was the acceptance of a part: more than one character, and not all of them.
 */
export function follow(shown: Shown, change: Change): { shown: Shown | null; partial: number | null } {
  const isHere = change.uri === shown.uri;
  if (!isHere) return { shown, partial: null };
  const isAlong =
    change.replaced === 0 &&
    change.line === shown.line &&
    change.character === shown.character &&
    change.text !== "" &&
    shown.text.startsWith(change.text);
  if (!isAlong) return { shown: null, partial: null };
  const accepted = shown.accepted + change.text.length;
  if (change.text.length === shown.text.length) return { shown: null, partial: null };
  const isPart = change.text.length > 1 && !PAIR.test(change.text);
  return { shown: moved(shown, change.text, accepted), partial: isPart ? accepted : null };
}

function moved(shown: Shown, typed: string, accepted: number): Shown {
  const lines = typed.split("\n");
  const last = lines.at(-1) ?? "";
  return {
    ...shown,
    text: shown.text.slice(typed.length),
    line: shown.line + lines.length - 1,
    character: lines.length === 1 ? shown.character + typed.length : last.length,
    accepted,
  };
}
