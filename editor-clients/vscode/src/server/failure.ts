/** What went wrong, in words for the user: every error that reaches them is one of these. Knows no VS Code. */
import { unlinked } from "../plain";
import { ERROR_CODES } from "../protocol";

export type Kind = keyof typeof ERROR_CODES | "cancelled" | "serverEnded" | "noServer" | "error";

/** `hint` says what to do. `isTold`: a message has said it already. */
export class Failure extends Error {
  constructor(
    readonly kind: Kind,
    message: string,
    readonly hint: string | null = null,
    readonly isTold = false,
  ) {
    super(message);
  }

  /** Returns the same, once a message has said it. */
  told(): Failure {
    return new Failure(this.kind, this.message, this.hint, true);
  }
}

/** LSP's and vscode-jsonrpc's codes: taken back; the connection ended before the answer, or there was none. */
const REQUEST_CANCELLED = -32800;
const ENDED: readonly unknown[] = [-32097, -32098, -32099];

const KINDS: ReadonlySet<string> = new Set(Object.keys(ERROR_CODES));

function isKind(value: unknown): value is Kind {
  return typeof value === "string" && KINDS.has(value);
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function ended(): Failure {
  return new Failure("serverEnded", "the server has ended", "Ask again.", true);
}

/** Reads an error that the server has answered with, whatever it is. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (field(error, "code") === REQUEST_CANCELLED) return new Failure("cancelled", "it was stopped");
  const data = field(error, "data");
  const kind = field(data, "kind");
  const hint = field(data, "hint");
  if (kind === undefined && ENDED.includes(field(error, "code"))) return ended();
  const message = field(error, "message");
  return new Failure(
    isKind(kind) ? kind : "error",
    typeof message === "string" && message !== "" ? message : "it failed",
    typeof hint === "string" && hint !== "" ? unlinked(hint) : null,
  );
}
