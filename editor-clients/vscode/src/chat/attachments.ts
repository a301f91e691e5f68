/**
 * What goes with a question: documents, lines of them, files and problems. What is sent is what they are by then.
 *
 * Lines are followed while their document is edited, so that they are still known later, and code is applied there.
 */
import * as vscode from "vscode";
import { line, sendable } from "../plain";
import type { DiagnosticShape, RangeShape } from "../protocol";
import { Failure } from "../server/failure";
import { type Attachment, MAX_DIAGNOSTICS, type Sent } from "./attachment";
import { newId } from "./conversation";
import { type Lines, linesOf, moved } from "./tracking";
import { counted } from "./words";

const MAX_FILE_BYTES = 4_000_000;
const MAX_MESSAGE_CHARS = 4_000;
const SEVERITIES = ["error", "warning", "information", "hint"] as const;
const NOTHING: Sent = { attachments: [], diagnostics: [], texts: [] };
/** Those whose documents the server is told of. */
const KNOWN_SCHEMES: ReadonlySet<string> = new Set(["file", "untitled"]);

/** Lines that are followed; of a document that was closed and opened again, if they still say `text`. */
type Followed = { readonly uri: vscode.Uri; lines: Lines; text: string; isClosed: boolean };

export class Attachments implements vscode.Disposable {
  private readonly followed = new Set<Followed>();
  private readonly listeners = [
    vscode.workspace.onDidChangeTextDocument((event) => this.edited(event)),
    vscode.workspace.onDidOpenTextDocument((document) => this.opened(document)),
    vscode.workspace.onDidCloseTextDocument((document) => this.closed(document)),
  ];

  /** Attaches an open document. */
  ofDocument(document: vscode.TextDocument): Attachment {
    const { uri } = document;
    const kept = () => (uri.scheme === "file" ? read(uri) : Promise.resolve(document.getText()));
    return attachmentOf(uri, null, kept);
  }

  /** Attaches the lines of an open document that a range touches. */
  ofRange(document: vscode.TextDocument, range: vscode.Range): Attachment {
    const followed: Followed = { uri: document.uri, lines: linesOf(range), text: "", isClosed: false };
    followed.text = document.getText(rangeOf(document, followed.lines));
    this.followed.add(followed);
    return {
      ...attachmentOf(document.uri, followed, () => Promise.resolve(followed.text)),
      dispose: () => this.followed.delete(followed),
    };
  }

  /** Attaches a file. Throws a Failure if that cannot be. */
  async ofFile(uri: vscode.Uri): Promise<Attachment> {
    const document = openDocument(uri);
    if (document) return this.ofDocument(document);
    await read(uri); // to say it now, if it cannot be
    return attachmentOf(uri, null, () => read(uri));
  }

  /** Attaches what is wrong in an open document, or only some of it; null if nothing is. */
  ofProblems(document: vscode.TextDocument, some?: readonly vscode.Diagnostic[]): Attachment | null {
    const { uri } = document;
    const found = () => some ?? vscode.languages.getDiagnostics(uri);
    const count = found().length;
    if (count === 0) return null;
    return {
      id: newId(),
      label: `${nameOf(uri)}: ${counted(count, "problem")}`,
      source: uri.toString(),
      sent: () => Promise.resolve(openDocument(uri) ? sentProblems(uri, found()) : NOTHING),
      place: () => null,
      dispose: () => {},
    };
  }

  dispose(): void {
    for (const listener of this.listeners) listener.dispose();
  }

  private edited({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    for (const one of this.of(document)) {
      if (one.isClosed) continue;
      for (const { range, text } of contentChanges) {
        one.lines = moved(one.lines, { start: range.start, end: range.end, text });
      }
      one.text = document.getText(rangeOf(document, one.lines));
    }
  }

  private opened(document: vscode.TextDocument): void {
    for (const one of this.of(document)) {
      one.isClosed = document.getText(rangeOf(document, one.lines)) !== one.text;
    }
  }

  private closed(document: vscode.TextDocument): void {
    for (const one of this.of(document)) one.isClosed = true;
  }

  private of(document: vscode.TextDocument): readonly Followed[] {
    const uri = document.uri.toString();
    return [...this.followed].filter((one) => one.uri.toString() === uri);
  }
}

// --- documents and their lines ----------------------------------------------------------------------

/** Returns what a place is called, from the workspace on. */
export function nameOf(uri: vscode.Uri): string {
  return line(vscode.workspace.asRelativePath(uri));
}

/** Returns a document that is open, if it is. */
export function openDocument(uri: vscode.Uri): vscode.TextDocument | undefined {
  const wanted = uri.toString();
  return vscode.workspace.textDocuments.find((one) => !one.isClosed && one.uri.toString() === wanted);
}

/** Returns where lines end that are whole, without the line end of the document's last one. */
export function rangeOf(document: vscode.TextDocument, lines: Lines): vscode.Range {
  return document.validateRange(new vscode.Range(lines.start, 0, lines.end, 0));
}

async function read(uri: vscode.Uri): Promise<string> {
  const bytes = await bytesOf(uri);
  if (bytes.includes(0)) throw new Failure("error", `${nameOf(uri)} is not a text file`);
  return new TextDecoder().decode(bytes);
}

async function bytesOf(uri: vscode.Uri): Promise<Uint8Array> {
  const name = nameOf(uri);
  try {
    const found = await vscode.workspace.fs.stat(uri);
    if ((found.type & vscode.FileType.File) === 0) throw new Failure("error", `${name} is not a file`);
    if (found.size > MAX_FILE_BYTES) throw new Failure("error", `${name} is too large to be attached`);
    return await vscode.workspace.fs.readFile(uri);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("error", `${name} cannot be read`);
  }
}

// --- sending them -----------------------------------------------------------------------------------

/** Attaches all of a document, or the lines that are followed; `kept` is for when it is not open. */
function attachmentOf(uri: vscode.Uri, followed: Followed | null, kept: () => Promise<string>): Attachment {
  const linesNow = () => (followed && !followed.isClosed ? followed.lines : null);
  return {
    id: newId(),
    label: followed ? `${nameOf(uri)}:${numbersOf(followed.lines)}` : nameOf(uri),
    source: uri.toString(),
    sent: async () => {
      const document = openDocument(uri);
      if (!document || followed?.isClosed) return asText(uri, await kept());
      return fromDocument(document, linesNow());
    },
    place: () => ({ uri: uri.toString(), lines: linesNow() }),
    dispose: () => {},
  };
}

function fromDocument(document: vscode.TextDocument, lines: Lines | null): Sent {
  const range = lines ? rangeOf(document, lines) : null;
  const asTexts = asText(document.uri, document.getText(range ?? undefined));
  if (!KNOWN_SCHEMES.has(document.uri.scheme)) return asTexts;
  const shape = { uri: document.uri.toString(), ...(range ? { range: shapeOf(range) } : {}) };
  return { attachments: [shape], diagnostics: [], texts: asTexts.texts };
}

function asText(uri: vscode.Uri, text: string): Sent {
  const shape = { name: pathOf(uri), text: sendable(text) };
  return { attachments: [shape], diagnostics: [], texts: [shape] };
}

function sentProblems(uri: vscode.Uri, found: readonly vscode.Diagnostic[]): Sent {
  const some = found.slice(0, MAX_DIAGNOSTICS);
  const name = pathOf(uri);
  const text = some.map((one) => problemLine(name, one)).join("\n");
  return {
    attachments: [],
    diagnostics: some.map((one) => diagnosticShape(uri, one)),
    texts: some.length > 0 ? [{ name, text: sendable(text) }] : [],
  };
}

function diagnosticShape(uri: vscode.Uri, one: vscode.Diagnostic): DiagnosticShape {
  return {
    uri: uri.toString(),
    range: shapeOf(one.range),
    severity: SEVERITIES[one.severity],
    message: sendable(one.message.slice(0, MAX_MESSAGE_CHARS)),
  };
}

function problemLine(name: string, one: vscode.Diagnostic): string {
  return `${name}:${one.range.start.line + 1}: ${SEVERITIES[one.severity]}: ${line(one.message)}`;
}

function shapeOf({ start, end }: vscode.Range): RangeShape {
  return {
    start: { line: start.line, character: start.character },
    end: { line: end.line, character: end.character },
  };
}

/** Returns the path that says whether a text may leave. */
function pathOf(uri: vscode.Uri): string {
  return sendable(uri.scheme === "file" ? uri.fsPath : uri.path);
}

function numbersOf(lines: Lines): string {
  return lines.end - lines.start <= 1 ? `${lines.start + 1}` : `${lines.start + 1}-${lines.end}`;
}
