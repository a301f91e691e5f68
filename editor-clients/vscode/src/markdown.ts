/** Foreign text in VS Code's markdown: shown as it is, whatever it looks like. Pure. */
import { line } from "./plain";

const MAX_LENGTH = 600;
const UNSEEN = /\p{Cf}/gu;
const PUNCTUATION = /[!-/:-@[-`{-~]/g;

/** Returns text on one line that markdown takes for nothing but text: no link, image, table or HTML. */
export function escaped(text: string): string {
  const whole = line(text).replace(UNSEEN, "");
  const shown = whole.length > MAX_LENGTH ? `${whole.slice(0, MAX_LENGTH)}…` : whole;
  return shown.replace(PUNCTUATION, "\\$&");
}
