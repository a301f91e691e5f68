/** What the chat's page and the extension tell each other. Both sides are built from this file. */

export type TurnState = "running" | "done" | "stopped" | "failed" | "cut";

/** One question and its answer, as they are shown. */
export type ShownTurn = {
  readonly id: string;
  readonly question: string;
  /** What went with the question, by name. */
  readonly attached: readonly string[];
  /** Markdown, so far. */
  readonly answer: string;
  /** cut: the server ended in the middle of the answer. */
  readonly state: TurnState;
  /** What is going on while there is no text yet, such as the model's name. */
  readonly hint: string | null;
  /** Model, tokens, cost, and why that model; none while nothing is known. */
  readonly footer: readonly string[];
  readonly failure: ShownFailure | null;
};

export type ShownFailure = {
  readonly message: string;
  readonly hint: string | null;
  readonly actions: readonly ShownAction[];
};

/** A button under a failure: what it says, and the command of ours that it runs. */
export type ShownAction = { readonly title: string; readonly command: string };

/** What stands around the turns. */
export type ShownBar = {
  /** The model that the next question goes to, as one would name it; null: as the settings say. */
  readonly model: string | null;
  /** What the whole chat has cost, such as `$0.0021`; empty before there was a turn. */
  readonly spent: string;
  readonly pending: readonly ShownAttachment[];
};

export type ShownAttachment = { readonly id: string; readonly label: string };

export type ShownChat = {
  readonly conversation: string;
  readonly turns: readonly ShownTurn[];
  readonly bar: ShownBar;
};

/** To the page. `chat` replaces all that it shows; `turn` is new or has changed; `text` is more of an answer. */
export type ToPage =
  | { readonly type: "chat"; readonly chat: ShownChat }
  | { readonly type: "turn"; readonly turn: ShownTurn }
  | { readonly type: "text"; readonly turn: string; readonly text: string }
  | { readonly type: "removed"; readonly turn: string }
  | { readonly type: "bar"; readonly bar: ShownBar }
  | { readonly type: "draft"; readonly text: string }
  | { readonly type: "focus" };

/** From the page. `ready` asks for the chat, `typed` is what stands in the box and was not sent. */
export type FromPage =
  | { readonly type: "ready" }
  | { readonly type: "typed"; readonly text: string }
  | { readonly type: "send"; readonly text: string }
  | { readonly type: "stop" }
  | { readonly type: "retry" }
  | { readonly type: "attach" }
  | { readonly type: "detach"; readonly id: string }
  | { readonly type: "chooseModel" }
  | { readonly type: "copy"; readonly text: string }
  | { readonly type: "insert"; readonly text: string }
  | { readonly type: "apply"; readonly turn: string; readonly code: string; readonly language: string }
  | { readonly type: "explain"; readonly turn: string }
  | { readonly type: "open"; readonly url: string }
  | { readonly type: "run"; readonly command: string };
