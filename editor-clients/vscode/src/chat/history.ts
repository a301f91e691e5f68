/** The list of chats: those of this window, and those that only the server has. */
import * as vscode from "vscode";
import { tell, tellFailure } from "../notice";
import { label } from "../plain";
import { failureOf } from "../server/failure";
import type { Server } from "../server/server";
import type { Conversations } from "./conversations";
import { counted, title } from "./words";

type Item = vscode.QuickPickItem & { readonly id: string };

const DELETE: vscode.QuickInputButton = {
  iconPath: new vscode.ThemeIcon("trash"),
  tooltip: "Delete this chat",
};

/** Lets the user choose an earlier chat, or delete some. Resolves once one is the current one, or the list is closed. */
export async function chooseChat(conversations: Conversations, server: Server): Promise<void> {
  const picked = await pick(conversations, server);
  if (picked === null) return;
  const chat = conversations.all.find((one) => one.conversation.id === picked);
  if (chat) return conversations.show(chat);
  conversations.load(await server.call("conversation", { conversation: picked }));
}

function pick(conversations: Conversations, server: Server): Promise<string | null> {
  const list = vscode.window.createQuickPick<Item>();
  list.title = "Earlier chats";
  list.placeholder = "Which one?";
  list.items = here(conversations);
  list.busy = true;
  list.onDidTriggerItemButton(async ({ item }) => {
    await remove(item.id, conversations, server);
    list.items = list.items.filter((one) => one !== item);
  });
  list.show();
  void there(conversations, server).then((found) => {
    list.items = [...list.items, ...found];
    list.busy = false;
    if (list.items.length > 0) return;
    list.hide();
    tell("there is no earlier chat yet");
  });
  return new Promise((resolve) => {
    list.onDidAccept(() => {
      resolve(list.selectedItems[0]?.id ?? null);
      list.hide();
    });
    list.onDidHide(() => {
      resolve(null);
      list.dispose();
    });
  });
}

function here(conversations: Conversations): readonly Item[] {
  return conversations.all
    .filter(({ conversation }) => conversation.turns.length > 0)
    .map(({ conversation }) => item(conversation.id, title(conversation.turns), conversation.turns.length));
}

async function there(conversations: Conversations, server: Server): Promise<readonly Item[]> {
  const known = new Set(conversations.all.map((chat) => chat.conversation.id));
  try {
    const found = await server.call("conversations", {});
    return found.conversations
      .filter(({ id }) => !known.has(id))
      .map((one) => item(one.id, one.title, one.turns));
  } catch {
    return []; // those of this window are there without it
  }
}

function item(id: string, name: string, turns: number): Item {
  return { id, label: label(name), description: counted(turns, "turn"), buttons: [DELETE] };
}

async function remove(id: string, conversations: Conversations, server: Server): Promise<void> {
  conversations.remove(id);
  try {
    await server.call("deleteConversation", { conversation: id });
  } catch (error) {
    const failure = failureOf(error);
    // One that was never sent the server does not know.
    if (failure.kind !== "invalidParams") await tellFailure(failure);
  }
}
