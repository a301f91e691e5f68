/** VS Code's own chats as questions of the protocol, and models as VS Code lists them. Pure: it knows no `vscode`. */

import { modelLine } from "../../modelWords";
import { sendable } from "../../plain";
import type { ChatParams, EarlierTurn, ImageShape, ModelShape, TextAttachment } from "../../protocol";

/** A message of a language model request, as far as it is text and pictures. */
export type Message = {
  readonly role: "user" | "assistant";
  readonly text: string;
  readonly images: readonly ImageShape[];
};

/** What a chat of VS Code's asks: the rest of the params is the same for all. */
export type Asked = Pick<ChatParams, "text"> & {
  readonly history: EarlierTurn[];
  readonly attachments: TextAttachment[];
  readonly images: ImageShape[];
};

/** A model as VS Code lists it. */
export type ListedModel = {
  readonly id: string;
  readonly name: string;
  readonly family: string;
  readonly version: string;
  readonly detail: string;
  readonly tooltip: string;
  readonly maxInputTokens: number;
  readonly maxOutputTokens: number;
  readonly capabilities: { readonly imageInput: boolean; readonly toolCalling: boolean };
};

const REQUEST = /<userRequest>([\s\S]*)<\/userRequest>/;
const MEDIA: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/** What is said of a model that does not tell. */
const CONTEXT_TOKENS = 128_000;
const OUTPUT_TOKENS = 8_000;
const ASCII_PER_TOKEN = 4;
const OTHERS_PER_TOKEN = 1.5;

// --- questions -----------------------------------------------------------------------------------

/** Returns a picture as the protocol has it; null if no model takes such. */
export function imageOf(mime: string, data: Uint8Array): ImageShape | null {
  const isPicture = (type: string): type is ImageShape["mime"] => MEDIA.includes(type);
  return isPicture(mime) ? { mime, data: Buffer.from(data).toString("base64") } : null;
}

/**
 * Returns the question that messages end with, and what was said before. What an editor wraps around the user's words
 * goes with them as an attachment: where a question goes is decided by the words alone. Null without a question.
 */
export function questionOf(messages: readonly Message[]): Asked | null {
  const { history, open } = turnsOf(messages);
  const { text, context } = unwrapped(joined(open));
  if (text.trim() === "") return null;
  const attachments = context === "" ? [] : [{ name: "context", text: sendable(context) }];
  return { text: sendable(text), history, attachments, images: open.flatMap((one) => one.images) };
}

type Turns = {
  readonly history: EarlierTurn[];
  /** The messages that nobody has answered. */
  readonly open: readonly Message[];
};

function turnsOf(messages: readonly Message[]): Turns {
  const history: EarlierTurn[] = [];
  let asked: Message[] = [];
  let answers: Message[] = [];
  const close = () => {
    const [text, answer] = [joined(asked), joined(answers)];
    if (text !== "" && answer !== "") history.push({ text: sendable(text), answer: sendable(answer) });
    [asked, answers] = [[], []];
  };
  for (const message of messages) {
    if (message.role === "assistant") answers.push(message);
    else {
      if (answers.length > 0) close();
      asked.push(message);
    }
  }
  if (answers.length === 0) return { history, open: asked };
  close();
  return { history, open: [] };
}

function joined(messages: readonly Message[]): string {
  return messages
    .map((message) => message.text.trim())
    .filter((text) => text !== "")
    .join("\n\n");
}

/** Parts the user's own words from what an editor has put around them. */
export function unwrapped(text: string): { readonly text: string; readonly context: string } {
  const found = REQUEST.exec(text);
  if (found?.[1] === undefined || found[1].trim() === "") return { text, context: "" };
  const before = text.slice(0, found.index).trim();
  const after = text.slice(found.index + found[0].length).trim();
  return { text: found[1].trim(), context: [before, after].filter((part) => part !== "").join("\n\n") };
}

/** Estimates how many tokens a text has: nobody here knows how the model that will get it counts. */
export function estimatedTokens(text: string): number {
  let ascii = 0;
  for (let at = 0; at < text.length; at += 1) ascii += text.charCodeAt(at) < 128 ? 1 : 0;
  return Math.ceil(ascii / ASCII_PER_TOKEN + (text.length - ascii) / OTHERS_PER_TOKEN);
}

// --- models --------------------------------------------------------------------------------------

const AUTO: ListedModel = {
  id: "auto",
  name: "Auto",
  family: "auto",
  version: "1",
  detail: "chooses",
  tooltip: "Each question goes to the model that it deserves",
  maxInputTokens: CONTEXT_TOKENS - OUTPUT_TOKENS,
  maxOutputTokens: OUTPUT_TOKENS,
  capabilities: { imageInput: true, toolCalling: false },
};

/** Returns what VS Code may list: `auto`, if there is anything to choose from, and all that can be asked. */
export function listed(models: readonly ModelShape[]): readonly ListedModel[] {
  const ready = models.filter((model) => model.state === "ready");
  return ready.length === 0 ? [] : [AUTO, ...ready.map(listedModel)];
}

function listedModel(model: ModelShape): ListedModel {
  const output = model.maxOutputTokens ?? OUTPUT_TOKENS;
  const context = model.contextWindow ?? CONTEXT_TOKENS;
  const { label, description } = modelLine(model);
  return {
    id: model.id,
    name: label,
    family: model.id.split("/").at(-1) ?? model.id,
    version: "1",
    detail: description.split(" · ")[0] ?? "",
    tooltip: `${label}: ${description}`,
    maxInputTokens: Math.max(1, context > output ? context - output : context),
    maxOutputTokens: output,
    // Tools are the asking editor's: the server has no way yet to hand a call of one back.
    capabilities: { imageInput: model.capabilities.includes("images"), toolCalling: false },
  };
}
