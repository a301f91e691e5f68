/** The words of questions about code, and how much of the code they are about. Pure. */
import { line } from "./plain";

const MAX_MESSAGE_CHARACTERS = 300;

type Position = { readonly line: number };
type Lines = { readonly start: Position; readonly end: Position };
type Symbol<Range> = { readonly range: Range; readonly children: readonly Symbol<Range>[] };

/** Asks what selected code does or, with messages, why it is wrong. */
export function explainText(messages: readonly string[]): string {
  switch (messages.length) {
    case 0:
      return "Explain this code.";
    case 1:
      return `Explain this problem: ${said(messages[0])}`;
    default:
      return `Explain these ${messages.length} problems.`;
  }
}

export function fixText(messages: readonly string[]): string {
  return messages.length === 1
    ? `Fix this problem: ${said(messages[0])}`
    : `Fix these ${messages.length} problems.`;
}

function said(message: string | undefined): string {
  const whole = line(message ?? "");
  return whole.length > MAX_MESSAGE_CHARACTERS ? `${whole.slice(0, MAX_MESSAGE_CHARACTERS)}…` : whole;
}

/**
 * Returns the smallest definition of more than a line that some lines are in: a model that is asked to mend one line
 * answers with the function, and that has to have a place. Null if there is none.
 */
export function enclosing<Range extends Lines>(
  symbols: readonly Symbol<Range>[],
  lines: Lines,
): Range | null {
  const around = symbols.find(
    ({ range }) => range.start.line <= lines.start.line && lines.end.line <= range.end.line,
  );
  if (!around) return null;
  const inner = enclosing(around.children, lines);
  if (inner) return inner;
  return around.range.end.line > around.range.start.line ? around.range : null;
}
