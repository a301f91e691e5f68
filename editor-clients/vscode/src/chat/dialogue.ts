/** What the user does in the chat that is shown: asks, stops, attaches, and takes what an answer offers. */
import * as vscode from "vscode";
import { showExplanation } from "../explain";
import { pickModel } from "../models";
import { actionsFor, tell, tellFailure } from "../notice";
import { failureOf, type Kind } from "../server/failure";
import type { Server } from "../server/server";
import { isApplicable } from "./applicable";
import { asked } from "./asked";
import { type Attachment, MAX_ATTACHMENTS, type Place } from "./attachment";
import { Attachments, nameOf, openDocument } from "./attachments";
import type { Task } from "./conversation";
import { type Change, type Chat, Conversations } from "./conversations";
import { pickAttachment } from "./picker";
import { shownBar, shownChat, shownTurn } from "./shown";
import { Source } from "./source";
import { ChatView, type Told } from "./view";

/** What an empty chat helps with. */
const NO_KEY: Kind = "missingKey";

/** A question from elsewhere: a command, or an action on code. */
export type Question = {
  readonly text: string;
  readonly task?: Task;
  /** The open document that it is about, or a part of it, and what is wrong there. */
  readonly uri?: vscode.Uri;
  readonly range?: vscode.Range;
  readonly diagnostics?: readonly vscode.Diagnostic[];
};

/** Code of an answer, and where it belongs: null is the document that the user was in last, or anywhere in one. */
export type Proposal = {
  readonly target: vscode.Uri | null;
  readonly range: Place["lines"];
  readonly code: string;
  readonly answer: { readonly conversation: string; readonly turn: string };
};

export type Propose = (proposal: Proposal) => Promise<void>;

export class Dialogue implements vscode.Disposable {
  readonly attachments = new Attachments();
  readonly source = new Source();
  readonly conversations: Conversations;
  readonly view: ChatView;
  private readonly listener: vscode.Disposable;

  constructor(
    extensionUri: vscode.Uri,
    private readonly server: Server,
    private readonly propose: Propose,
  ) {
    this.conversations = new Conversations(asked(server), (change) => this.changed(change));
    this.listener = server.onChatEvent((params) => this.conversations.hear(params));
    this.view = new ChatView(
      extensionUri,
      () => shownChat(this.chat.conversation, this.chat.pending, actionsFor),
      (message) => void this.hear(message).catch((error) => tellFailure(failureOf(error))),
    );
  }

  dispose(): void {
    for (const chat of this.conversations.all) chat.conversation.stop();
    for (const one of [this.listener, this.attachments, this.source]) one.dispose();
  }

  // --- which chat ---------------------------------------------------------------------------------

  get chat(): Chat {
    return this.conversations.current;
  }

  /** Shows the chat that is the current one by now. */
  draw(): void {
    this.view.send({ type: "chat", chat: shownChat(this.chat.conversation, this.chat.pending, actionsFor) });
    this.noteAnswering();
  }

  private changed(change: Change): void {
    if (change.chat !== this.chat) return;
    switch (change.type) {
      case "text":
        this.view.send({ type: "text", turn: change.turn.id, text: change.text });
        break;
      case "turn":
        this.view.send({ type: "turn", turn: shownTurn(change.turn, actionsFor) });
        this.drawAround();
        break;
      case "removed":
        this.view.send({ type: "removed", turn: change.turn.id });
        this.drawAround();
        break;
    }
  }

  private drawAround(): void {
    this.drawBar();
    this.noteAnswering();
  }

  private drawBar(): void {
    this.view.send({ type: "bar", bar: shownBar(this.chat.conversation, this.chat.pending) });
  }

  private noteAnswering(): void {
    const isAnswering = this.chat.conversation.running !== null;
    void vscode.commands.executeCommand("setContext", "farebox.isAnswering", isAnswering);
  }

  // --- asking -------------------------------------------------------------------------------------

  /** Asks in the shown chat. While an answer comes the question waits where one types. */
  async ask(question: Question): Promise<void> {
    const document = question.uri && (await vscode.workspace.openTextDocument(question.uri));
    if (document) this.attach(...this.attachedOf(document, question));
    await this.view.open();
    await this.say(question.text, question.task ?? null);
  }

  private attachedOf(document: vscode.TextDocument, question: Question): readonly Attachment[] {
    const { range, diagnostics } = question;
    const text = range ? this.attachments.ofRange(document, range) : this.attachments.ofDocument(document);
    const problems = diagnostics ? this.attachments.ofProblems(document, diagnostics) : null;
    return problems ? [text, problems] : [text];
  }

  private async say(text: string, task: Task | null): Promise<void> {
    if (text.trim() === "") return;
    if (this.chat.conversation.running) {
      this.view.sendLater({ type: "draft", text });
      return tell("an answer is still coming; stop it, or wait for it");
    }
    await this.chat.conversation.ask({ text, task, attached: this.conversations.takePending() });
  }

  /** Puts something to the next question. */
  attach(...attached: readonly Attachment[]): void {
    const isFull = !attached.every((one) => this.conversations.attach(one));
    if (isFull) tell(`no more than ${MAX_ATTACHMENTS} attachments go with a question`);
    this.drawBar();
  }

  // --- what the page tells ------------------------------------------------------------------------

  private async hear(message: Told): Promise<void> {
    switch (message.type) {
      case "send":
        return this.say(message.text.trim(), null);
      case "stop":
        return this.chat.conversation.stop();
      case "retry":
        return this.chat.conversation.retry();
      case "attach":
        return this.pickAttachment();
      case "detach":
        this.conversations.detach(message.id);
        return this.drawBar();
      case "chooseModel":
        return this.chooseModel();
      case "copy":
        return vscode.env.clipboard.writeText(message.text);
      case "insert":
        return this.insert(message.text);
      case "apply":
        return this.apply(message.turn, message.code, message.language);
      case "explain":
        return this.explain(message.turn);
      case "open":
        return void (await vscode.env.openExternal(vscode.Uri.parse(message.url, true)));
      case "run":
        return this.run(message.command);
    }
  }

  private async pickAttachment(): Promise<void> {
    const picked = await pickAttachment(this.attachments, this.source);
    if (picked) this.attach(picked);
    await this.view.open(); // where the user was
  }

  async chooseModel(): Promise<void> {
    const { conversation } = this.chat;
    const chosen = await pickModel(this.server, { title: "Model of this chat", hasDefault: true });
    if (!chosen) return;
    conversation.model = chosen.model;
    this.drawBar();
    await this.view.open();
  }

  private async explain(id: string): Promise<void> {
    await showExplanation(
      this.server,
      id,
      this.chat.conversation.turns.find((turn) => turn.id === id) ?? null,
    );
  }

  /** Runs a command that a failure in this chat, or an empty one, offers, and no other. */
  private async run(command: string): Promise<void> {
    const failed = this.chat.conversation.turns.flatMap((turn) => turn.failure?.kind ?? []);
    const offered = [...failed, NO_KEY].flatMap(actionsFor);
    const action = offered.find((one) => one.command === command);
    if (action) await vscode.commands.executeCommand(action.command, ...(action.arguments ?? []));
  }

  // --- what an answer offers ----------------------------------------------------------------------

  private async insert(text: string): Promise<void> {
    const editor = await this.source.editor();
    if (!editor) return tell("there is no editor that the code could go into");
    const isDone = await editor.edit((edit) => edit.insert(editor.selection.active, text));
    if (!isDone) tell("the code could not be inserted there");
  }

  private async apply(turn: string, code: string, language: string): Promise<void> {
    const place = this.placeOf(turn);
    const target = place ? vscode.Uri.parse(place.uri) : (this.source.document?.uri ?? null);
    const document = target && openDocument(target);
    if (document && !isApplicable(language, document.languageId)) {
      return tell(`${language} is no part of ${nameOf(document.uri)}; copy it, or insert it at the cursor`);
    }
    await this.propose({
      target,
      range: place?.lines ?? null,
      code,
      answer: { conversation: this.chat.conversation.id, turn },
    });
  }

  /** Returns where an answer's code belongs: what was attached to its question, or to one before it. */
  private placeOf(id: string): Place | null {
    const { turns } = this.chat.conversation;
    const earlier = turns.slice(0, turns.findIndex((turn) => turn.id === id) + 1).reverse();
    const attached = earlier.flatMap((turn) => turn.question.attached);
    return attached.map((one) => one.place()).find((place) => place !== null) ?? null;
  }
}
