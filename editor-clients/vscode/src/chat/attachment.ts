/** What goes with a question, as a conversation sees it: it knows neither documents nor files. Pure. */
import type { ChatParams, DiagnosticShape, TextAttachment } from "../protocol";
import type { Lines } from "./tracking";

/** What there is to send of one attachment, as it is now. */
export type Sent = {
  readonly attachments: NonNullable<ChatParams["attachments"]>;
  readonly diagnostics: readonly DiagnosticShape[];
  /** All of it as texts: for a server that was not there. */
  readonly texts: readonly TextAttachment[];
};

/** Where an answer's code may belong; without lines anywhere in that document. */
export type Place = { readonly uri: string; readonly lines: Lines | null };

export type Attachment = {
  readonly id: string;
  /** What the user reads, such as `src/app.py:3-9`. */
  readonly label: string;
  /** Where it comes from: what has the same source and label is the same. */
  readonly source: string;
  /** Throws a Failure if it is not there any more. */
  sent(): Promise<Sent>;
  /** Returns where it is by now; null if it is no part of a document. */
  place(): Place | null;
  /** Ends the following of its lines. */
  dispose(): void;
};

export const MAX_ATTACHMENTS = 64;
export const MAX_DIAGNOSTICS = 100;

/** Returns what to send of attachments. */
export async function sentOf(attached: readonly Attachment[]): Promise<Sent> {
  const all = await Promise.all(attached.map((one) => one.sent()));
  return {
    attachments: all.flatMap((one) => one.attachments),
    diagnostics: all.flatMap((one) => one.diagnostics).slice(0, MAX_DIAGNOSTICS),
    texts: all.flatMap((one) => one.texts),
  };
}
