// Generated from `farebox schema` by scripts/protocol.mjs; do not edit.

export const PROTOCOL_VERSION = 1;

/** The kinds of errors, with their codes. */
export const ERROR_CODES = {
  "config": -32050,
  "missingKey": -32051,
  "keyRejected": -32052,
  "insufficientCredits": -32053,
  "modelNotFound": -32054,
  "rateLimited": -32055,
  "overloaded": -32056,
  "unreachable": -32057,
  "contextTooLong": -32058,
  "refused": -32059,
  "brokenReply": -32060,
  "budgetExceeded": -32061,
  "localOnly": -32062,
  "excluded": -32063,
  "noRouteLeft": -32064,
  "invalidParams": -32065
} as const;

/** Each is a request `farebox/NAME`. */
export type Methods = {
  chat: { params: ChatParams; result: ChatResult };
  complete: { params: DocumentHole | TextHole; result: CompleteResult };
  costReport: { params: CostReportParams; result: ReportShape };
  route: { params: DocumentHole | TextHole | ChatParams; result: RouteShape };
  models: { params: NoParams; result: ModelsResult };
  explain: { params: ExplainParams; result: ExplainResult };
  setCredential: { params: SetCredentialParams; result: EmptyResult };
  setModel: { params: SetModelParams; result: EmptyResult };
  conversations: { params: NoParams; result: ConversationsResult };
  conversation: { params: ConversationParams; result: ConversationResult };
  deleteConversation: { params: ConversationParams; result: EmptyResult };
  feedback: { params: FeedbackParams; result: EmptyResult };
  doctor: { params: DoctorParams; result: DoctorResult };
  pause: { params: PauseParams; result: EmptyResult };
};

/** What the server tells unasked. */
export type Notifications = {
  "farebox/chatEvent": ChatEventParams;
  "farebox/status": StatusParams;
};

/** What the editor says of a place in an open document. */
export type DiagnosticShape = {
  uri: string;
  range: RangeShape;
  severity?: "error" | "warning" | "information" | "hint";
  message: string;
};

/** A turn that the client has kept; without an answer it is shown, and never sent to a model. */
export type EarlierTurn = {
  id?: string | null;
  text: string;
  attachments?: TextAttachment[];
  answer: string;
};

/** An open document, or a range of it. */
export type FileAttachment = {
  uri: string;
  range?: RangeShape | null;
};

/** One picture in base64. */
export type ImageShape = {
  mime: "image/png" | "image/jpeg" | "image/gif" | "image/webp";
  data: string;
};

/** A position in the negotiated encoding. */
export type PositionShape = {
  line: number;
  character: number;
};

/** A range; its end is exclusive. */
export type RangeShape = {
  start: PositionShape;
  end: PositionShape;
};

/** A piece of text with a name; if it is a file's, with its path: that says whether it may leave. */
export type TextAttachment = {
  name: string;
  text: string;
};

/** A question; without a conversation it begins a new one, and any turn may ask another `agent`. With a `history`, perhaps an empty one, an unknown conversation begins under the client's own id (1 to 64 letters, digits, - and _) and with these turns: the server may have been started anew. In a known one they change nothing. `turn` names this turn, so that the client knows whose events come. `replaces` is a turn of this conversation that is asked anew: its answer was not wanted. No model is shown it, and if it was the last it lifts this step; one that never came here is not missed. */
export type ChatParams = {
  text: string;
  conversation?: string | null;
  turn?: string | null;
  replaces?: string | null;
  history?: EarlierTurn[] | null;
  model?: string | null;
  task?: "chat" | "complete" | "explain" | "generate" | "edit" | "fix" | "tests" | "document" | "review" | "plan" | "apply" | "commit" | "title" | "agent";
  attachments?: (FileAttachment | TextAttachment)[];
  images?: ImageShape[];
  diagnostics?: DiagnosticShape[];
  reasoning?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max" | null;
  agent?: string | null;
};

/** One try: `outcome` is ok, cancelled or an error kind. */
export type AttemptShape = {
  model: string;
  provider: string;
  outcome: string;
  ms: number;
};

/** A target that was considered. */
export type CandidateShape = {
  model: string;
  provider: string;
  verdict: "chosen" | "fallback" | "dropped";
  why: string;
  estimatedUsd: string | null;
};

/** What it cost; `usd` is null if no price is known. */
export type CostShape = {
  usd: string | null;
  basis: "reported" | "computed" | "estimated" | "unknown";
  baseline: string | null;
  baselineUsd: string | null;
  savedUsd: string | null;
};

/** What a request may cost at most. */
export type EstimateShape = {
  usd: string | null;
  baseline: string | null;
  baselineUsd: string | null;
  savedPercent: number | null;
};

/** Where a request goes, what else was considered, and why. `taskFrom` is what the task was told by, `tier` what `auto` holds it to deserve (null if the model was named), `evidence` what lifted that. */
export type RouteShape = {
  model: string;
  provider: string;
  requested: string;
  task: "chat" | "complete" | "explain" | "generate" | "edit" | "fix" | "tests" | "document" | "review" | "plan" | "apply" | "commit" | "title" | "agent";
  phase: "plan" | "act" | "check";
  complexity: "low" | "medium" | "high";
  strategy: "cheap" | "balanced" | "quality";
  taskFrom: "asked" | "facts" | "words" | "nothing";
  tier: "fast" | "balanced" | "strong" | null;
  evidence: ("empty" | "cutOff" | "regenerated" | "rejected" | "undone" | "errorsRemain")[];
  reason: string;
  fallbackChain: TargetShape[];
  candidates: CandidateShape[];
  estimate: EstimateShape;
  attempts?: AttemptShape[];
};

/** A model at a provider; `model` is the full name, as one would write it in a setting. */
export type TargetShape = {
  model: string;
  provider: string;
};

/** Inclusive token counts. */
export type UsageShape = {
  inputTokens: number;
  cachedInputTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
  reasoningTokens: number;
};

/** The whole answer. */
export type ChatResult = {
  conversation: string;
  turn: string;
  text: string;
  finishReason: "stop" | "length" | "toolCalls" | "contentFilter" | "cancelled" | "error";
  route: RouteShape;
  usage: UsageShape;
  cost: CostShape;
};

/** A position in an open document. */
export type DocumentHole = {
  uri: string;
  position: PositionShape;
  model?: string | null;
};

/** A hole in text that need not be open in the editor. */
export type TextHole = {
  path: string;
  language: string;
  prefix: string;
  suffix: string;
  model?: string | null;
};

/** One insertion. */
export type ItemShape = {
  id: string;
  text: string;
};

/** Insertions; none, with a `reason` and `why` in words, where nothing was asked or it is withheld. */
export type CompleteResult = {
  items: ItemShape[];
  reason?: string | null;
  why?: string | null;
  route?: RouteShape | null;
  usage: UsageShape;
  cost?: CostShape | null;
};

/** A time and what to group by; with a `format` the answer has the report as text too. */
export type CostReportParams = {
  since?: string | null;
  until?: string | null;
  by?: ("day" | "hour" | "model" | "provider" | "task" | "workspace" | "conversation" | "client" | "language")[] | null;
  workspace?: string | null;
  format?: "table" | "csv" | "html" | null;
};

/** How many requests have a cost of each basis. */
export type BasisShape = {
  reported: number;
  computed: number;
  estimated: number;
  unknown: number;
};

/** One budget and what is left of it; `step` is the rung of its ladder that was reached. `percent` counts what is spent and held, and is null for a budget of nothing; `usedUp` says that nothing is left, `unchecked` that a damage of the ledger may have lost what was spent. */
export type BudgetShape = {
  name: string;
  limitUsd: string;
  spentUsd: string;
  heldUsd: string;
  resetsAt: string;
  step: "ok" | "warn" | "cheaper" | "local" | "stop";
  percent: number | null;
  usedUp: boolean;
  unchecked: boolean;
};

/** A damage of the ledger that nobody has accepted; `at` is ISO 8601, local time. */
export type DamageShape = {
  at: string;
  file: string;
  savedCalls: number;
};

/** The requests whose cost is known twice: as reported, and by the price table. `percent` is how far the table is from what was reported, of that; below zero where it is lower. */
export type DriftShape = {
  requests: number;
  reportedUsd: string;
  computedUsd: string;
  percent: number | null;
};

/** Half, nine in ten, and all but one in a hundred requests took no longer; milliseconds. */
export type LatencyShape = {
  p50: number;
  p90: number;
  p99: number;
};

/** The sums of one group; the keys are those that the report is grouped by. `uncertain` counts the requests that ended with a process of ours, `cachedPercent` is the cached share of the input tokens. `shown`, `accepted` and `partlyAccepted` count tab completions: the last is a part of the second; `usdPerAccepted` is what all tab completion cost, for each accepted one. */
export type ReportRowShape = {
  day?: string | null;
  hour?: string | null;
  model?: string | null;
  provider?: string | null;
  task?: string | null;
  workspace?: string | null;
  conversation?: string | null;
  client?: string | null;
  language?: string | null;
  requests: number;
  failed: number;
  cancelled: number;
  uncertain: number;
  inputTokens: number;
  cachedInputTokens: number;
  cachedPercent: number | null;
  cacheWriteTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  usd: string | null;
  savedUsd: string | null;
  basis: BasisShape;
  drift: DriftShape;
  firstTokenMs: LatencyShape | null;
  totalMs: LatencyShape | null;
  shown: number;
  accepted: number;
  partlyAccepted: number;
  acceptedPercent: number | null;
  usdPerAccepted: string | null;
};

/** What was spent. In no row are the `heldRequests`, which are still running, and the `unwrittenRequests`, which are kept until the ledger can be written again. `damages` may have lost requests of this time. `budgetsError` is why no budget is shown, if the settings can't be read. `workspace` is the only one that counts. `text` is the report as a table, CSV or a page, if one was asked for. */
export type ReportShape = {
  since: string | null;
  until: string | null;
  by: ("day" | "hour" | "model" | "provider" | "task" | "workspace" | "conversation" | "client" | "language")[];
  workspace: string | null;
  rows: ReportRowShape[];
  total: ReportRowShape;
  budgets: BudgetShape[];
  budgetsError: string | null;
  damages: DamageShape[];
  heldRequests: number;
  unwrittenRequests: number;
  unwrittenUsd: string;
  text?: string | null;
};

/** Nothing. */
export type NoParams = Record<string, never>;

/** One model at one provider; an unknown figure is null. */
export type ModelShape = {
  id: string;
  provider: string;
  contextWindow: number | null;
  maxOutputTokens: number | null;
  inputUsdPerMTok: string | null;
  outputUsdPerMTok: string | null;
  capabilities: string[];
  state: "ready" | "missingKey" | "badKey" | "noAddress" | "notLocal" | "unreachable" | "keyRejected" | "noModel";
};

/** All models that could be asked for. */
export type ModelsResult = {
  models: ModelShape[];
};

/** Which completion or turn; by default the last. */
export type ExplainParams = {
  id?: string | null;
};

/** Why it was what it was. Of a completion `source` is where it came from (cache, running, model, ahead, embedded), or `silence` the name of why there was none; `waitedMs` is how long the editor waited, `snippets` how many pieces of other files the model was shown. */
export type ExplainResult = {
  id: string;
  kind: "completion" | "turn";
  reason: string;
  shown: boolean;
  accepted: boolean;
  route?: RouteShape | null;
  usage?: UsageShape | null;
  cost?: CostShape | null;
  firstTokenMs?: number | null;
  totalMs?: number | null;
  source?: string | null;
  silence?: string | null;
  waitedMs?: number | null;
  snippets?: number | null;
};

/** A key to keep in memory, or null to forget it. It is for the address of this moment: settings go first, and the key again where they change that. */
export type SetCredentialParams = {
  provider: string;
  secret: string | null;
};

/** Nothing. */
export type EmptyResult = Record<string, never>;

/** A model for a task, until the server ends. */
export type SetModelParams = {
  task: "chat" | "complete" | "explain" | "generate" | "edit" | "fix" | "tests" | "document" | "review" | "plan" | "apply" | "commit" | "title" | "agent";
  model: string;
};

/** One conversation in the list. */
export type ConversationLine = {
  id: string;
  title: string;
  turns: number;
};

/** All conversations, the newest first. */
export type ConversationsResult = {
  conversations: ConversationLine[];
};

/** Which conversation. */
export type ConversationParams = {
  conversation: string;
};

/** One question and its answer. Without `cost` it runs, a client has kept it, or nothing has left. `replaces` is the turn that it has asked anew. */
export type TurnShape = {
  id: string;
  question: string;
  answer: string;
  replaces?: string | null;
  finishReason?: "stop" | "length" | "toolCalls" | "contentFilter" | "cancelled" | "error" | null;
  usage?: UsageShape | null;
  cost?: CostShape | null;
};

/** A whole conversation. */
export type ConversationResult = {
  id: string;
  title: string;
  turns: TurnShape[];
};

/** What became of an answer, by default the last: `errors` are left in the file that it was applied to. It lifts the conversation's next step, once, if it says that the answer did not help. */
export type FeedbackParams = {
  conversation: string;
  turn?: string | null;
  outcome: "applied" | "rejected" | "undone" | "regenerated";
  errors?: number;
};

/** `probe`: also ask the model that completes a few tiny questions, which cost what they cost. */
export type DoctorParams = {
  probe?: boolean;
};

/** One finding of the doctor. */
export type CheckShape = {
  name: string;
  state: "ok" | "warning" | "error";
  message: string;
  hint: string;
};

/** All findings. */
export type DoctorResult = {
  checks: CheckShape[];
};

/** Whether tab completion rests, until this is said again. Who asks by hand is answered. */
export type PauseParams = {
  paused: boolean;
};

/** The end, also of a turn that was stopped. */
export type DoneEvent = {
  type: "done";
  finishReason: "stop" | "length" | "toolCalls" | "contentFilter" | "cancelled" | "error";
  usage: UsageShape;
  cost: CostShape;
  cancelled: boolean;
};

/** More of the reasoning. */
export type ReasoningEvent = {
  type: "reasoning";
  text: string;
};

/** An attempt at `model` failed; the next one begins, there or at another model. */
export type RetryEvent = {
  type: "retry";
  attempt: number;
  maxAttempts: number;
  model: string;
  error: string;
};

/** Where the question goes. */
export type RouteEvent = {
  type: "route";
  route: RouteShape;
};

/** More of the answer. */
export type TextEvent = {
  type: "text";
  text: string;
};

/** A whole tool call. */
export type ToolCallEvent = {
  type: "toolCall";
  id: string;
  name: string;
  arguments: Record<string, unknown>;
};

/** One event of a running turn. */
export type ChatEventParams = {
  conversation: string;
  turn: string;
  event: RouteEvent | TextEvent | ReasoningEvent | ToolCallEvent | RetryEvent | DoneEvent;
};

/** What farebox is doing, what was spent today, and the budgets; once ready, which model served last. */
export type StatusParams = {
  state: "ready" | "busy" | "offline" | "budget" | "error" | "inactive";
  message: string;
  model?: string | null;
  todayUsd?: string | null;
  budgets?: BudgetShape[] | null;
};
