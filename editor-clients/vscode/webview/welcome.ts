/** What an empty chat says one may do here. */
import { element, textButton } from "./element";
import { post } from "./host";
import { type IconName, icon } from "./icon";

function line(name: IconName, ...words: readonly (Node | string)[]): HTMLElement {
  return element("li", {}, icon(name), element("span", {}, ...words));
}

function key(name: string): HTMLElement {
  return element("kbd", {}, name);
}

export function welcome(): HTMLElement {
  const addKey = textButton("Add a key", "inline", () => post({ type: "run", command: "farebox.addKey" }));
  const attach = textButton("Attach", "inline", () => post({ type: "attach" }));
  return element(
    "section",
    { class: "welcome" },
    icon("ticket"),
    element("h2", {}, "Ask about your code"),
    element("p", {}, "Each answer says what it cost, and why that model."),
    element(
      "ul",
      {},
      line("attach", attach, " a file, a selection or its problems"),
      line("key", addKey, ", or run a model of your own"),
      line("send", key("Enter"), " sends, ", key("Shift+Enter"), " begins a line"),
      line("stop", key("Escape"), " stops an answer, ", key("↑"), " recalls a question"),
    ),
  );
}
