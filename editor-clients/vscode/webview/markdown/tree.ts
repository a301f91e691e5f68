/** What the text of an answer is made of. There is no HTML in it: tags are text, and no kind of node fetches anything. */

export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "break" }
  | { readonly kind: "emphasis" | "strong" | "strike"; readonly children: readonly Inline[] }
  /** `url` is as it was written: whether it may be opened is for who shows it. */
  | { readonly kind: "link"; readonly url: string; readonly children: readonly Inline[] }
  | { readonly kind: "image"; readonly url: string; readonly alt: string };

export type Alignment = "left" | "center" | "right" | null;

export type ListItem = {
  /** Of a task: whether it is done; null: it is no task. */
  readonly isDone: boolean | null;
  readonly children: readonly Block[];
};

export type Code = {
  readonly kind: "code";
  readonly language: string;
  readonly text: string;
  /** Its end has come. */
  readonly isClosed: boolean;
};

export type List = {
  readonly kind: "list";
  /** The first number; null: bullets. */
  readonly start: number | null;
  /** Its items stand apart, as paragraphs do. */
  readonly isLoose: boolean;
  readonly items: readonly ListItem[];
};

export type Table = {
  readonly kind: "table";
  readonly alignments: readonly Alignment[];
  readonly head: readonly (readonly Inline[])[];
  readonly rows: readonly (readonly (readonly Inline[])[])[];
};

export type Block =
  | { readonly kind: "paragraph"; readonly children: readonly Inline[] }
  | { readonly kind: "heading"; readonly level: number; readonly children: readonly Inline[] }
  | { readonly kind: "quote"; readonly children: readonly Block[] }
  | { readonly kind: "rule" }
  | Code
  | List
  | Table;
