/** The chat's page: it shows what the extension tells it, and tells what the user does. It keeps nothing. */
import type { ToPage } from "../src/chat/wire";
import { announcerElement } from "./announcer";
import { Composer } from "./composer";
import { element } from "./element";
import { post } from "./host";
import { Transcript } from "./transcript";

const composer: Composer = new Composer(() => transcript.questions);
const transcript: Transcript = new Transcript((isRunning) => composer.showRunning(isRunning));

function hear(message: ToPage): void {
  switch (message.type) {
    case "chat":
      transcript.show(message.chat.turns);
      composer.show(message.chat.bar);
      break;
    case "turn":
      transcript.put(message.turn);
      break;
    case "text":
      transcript.addText(message.turn, message.text);
      break;
    case "removed":
      transcript.remove(message.turn);
      break;
    case "bar":
      composer.show(message.bar);
      break;
    case "draft":
      composer.put(message.text);
      composer.focus();
      break;
    case "focus":
      composer.focus();
      break;
  }
}

const root = document.getElementById("farebox") ?? element("div", { id: "farebox" });
composer.show({ model: null, spent: "", pending: [] });
document.body.append(root);
root.append(transcript.element, composer.element, announcerElement());
window.addEventListener("message", (event: MessageEvent<ToPage>) => hear(event.data));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && transcript.isRunning) post({ type: "stop" });
});
post({ type: "ready" });
