/** What was said in VS Code's Chat view, as turns of the protocol. Pure. */
import { sendable } from "../../plain";
import type { EarlierTurn } from "../../protocol";

/** A question or an answer; the footer is ours, and no part of what the model has said. */
export type Said =
  | { readonly by: "user"; readonly text: string }
  | { readonly by: "farebox"; readonly text: string; readonly footer: string };

/** Returns the questions that were answered, with their answers. */
export function earlierTurns(said: readonly Said[]): EarlierTurn[] {
  const turns: EarlierTurn[] = [];
  let question: string | null = null;
  for (const one of said) {
    if (one.by === "user") {
      question = one.text;
      continue;
    }
    const answer = withoutFooter(one.text, one.footer);
    if (question !== null && answer !== "")
      turns.push({ text: sendable(question), answer: sendable(answer) });
    question = null;
  }
  return turns;
}

function withoutFooter(text: string, footer: string): string {
  const whole = footer !== "" && text.endsWith(footer) ? text.slice(0, -footer.length) : text;
  return whole.trim();
}
