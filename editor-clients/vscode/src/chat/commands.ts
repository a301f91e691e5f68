/** The chat's commands, and its place in the window. */
import * as vscode from "vscode";
import { tellFailure } from "../notice";
import { failureOf } from "../server/failure";
import type { Server } from "../server/server";
import { Dialogue, type Propose, type Question } from "./dialogue";
import { chooseChat } from "./history";
import { VIEW } from "./view";

export type { Proposal, Question } from "./dialogue";

export type Parts = {
  readonly extensionUri: vscode.Uri;
  readonly server: Server;
  /** Shows code of an answer as a change of a document. */
  readonly propose: Propose;
};

export type ChatPart = vscode.Disposable & {
  /** Asks in the chat view, which is shown. Resolves at the end of the answer. */
  ask(question: Question): Promise<void>;
};

/** Registers the chat view and its commands. */
export function registerChat({ extensionUri, server, propose }: Parts): ChatPart {
  const dialogue = new Dialogue(extensionUri, server, propose);
  const registered = vscode.Disposable.from(
    dialogue,
    vscode.window.registerWebviewViewProvider(VIEW, dialogue.view),
    ...Object.entries(actions(dialogue, server)).map(([name, action]) =>
      vscode.commands.registerCommand(`farebox.${name}`, told(action)),
    ),
  );
  return { ask: (question) => dialogue.ask(question), dispose: () => registered.dispose() };
}

type Action = (uri?: unknown) => Promise<void> | void;

function actions(dialogue: Dialogue, server: Server): Readonly<Record<string, Action>> {
  const { conversations, view } = dialogue;
  return {
    openChat: () => view.open(),
    newChat: () => {
      conversations.begin();
      dialogue.draw();
      return view.open();
    },
    showHistory: async () => {
      await chooseChat(conversations, server);
      dialogue.draw();
      await view.open();
    },
    stopAnswer: () => dialogue.chat.conversation.stop(),
    chooseChatModel: () => dialogue.chooseModel(),
    attachFile: async (uri) => {
      const wanted = uri instanceof vscode.Uri ? uri : dialogue.source.document?.uri;
      if (!wanted) return;
      dialogue.attach(await dialogue.attachments.ofFile(wanted));
      await view.open();
    },
    attachSelection: async () => {
      const { document, selection } = dialogue.source;
      if (!document || !selection) return;
      dialogue.attach(dialogue.attachments.ofRange(document, selection));
      await view.open();
    },
  };
}

/** Returns the same, whose failures are told. */
function told(action: Action): Action {
  return async (uri) => {
    try {
      await action(uri);
    } catch (error) {
      await tellFailure(failureOf(error));
    }
  };
}
