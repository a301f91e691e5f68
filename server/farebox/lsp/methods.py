"""The params and results of our own methods: the contract that ``farebox schema`` prints.

pydantic reads what clients send; unknown fields are refused with their names.
"""

from typing import Annotated, Literal, TypeAlias, cast

from pydantic import Discriminator, Field, Tag

from farebox.chat.conversation import MAX_TURNS
from farebox.chat.evidence import Outcome
from farebox.config import ModelName
from farebox.ledger.queries import Dimension
from farebox.messages import FinishReason, ReasoningEffort, Task
from farebox.report.shapes import ReportShape
from farebox.router.inventory import LineState
from farebox.shapes import CostShape, RouteShape, Shape, UsageShape

MAX_TEXT_CHARS = 4_000_000
Text: TypeAlias = Annotated[str, Field(max_length=MAX_TEXT_CHARS)]
Id: TypeAlias = Annotated[str, Field(max_length=200)]
ClientsId: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""Of a conversation or a turn that a client may have named; those that we name are such, too."""
Address: TypeAlias = Annotated[str, Field(max_length=8_192)]
"""A URI or a path, percent-encoded or not."""


class PositionShape(Shape):
    """A position in the negotiated encoding."""

    line: Annotated[int, Field(ge=0, lt=2**31)]
    character: Annotated[int, Field(ge=0, lt=2**31)]


class RangeShape(Shape):
    """A range; its end is exclusive."""

    start: PositionShape
    end: PositionShape


def _shape_by(**shapes: str) -> Discriminator:
    """Choose among shapes by a key that only one has (else the last), so that an error is about that one."""

    def choose(params: object) -> str:
        keys = cast("dict[str, object]", params) if isinstance(params, dict) else {}
        return next((shape for key, shape in shapes.items() if key in keys), [*shapes.values()][-1])

    return Discriminator(choose)


class FileAttachment(Shape):
    """An open document, or a range of it."""

    uri: Address
    range: RangeShape | None = None


class TextAttachment(Shape):
    """A piece of text with a name; if it is a file's, with its path: that says whether it may leave."""

    name: Address
    text: Text


AnyAttachment: TypeAlias = Annotated[
    Annotated[FileAttachment, Tag("FileAttachment")] | Annotated[TextAttachment, Tag("TextAttachment")],
    _shape_by(text="TextAttachment", name="TextAttachment", uri="FileAttachment"),
]


class ImageShape(Shape):
    """One picture in base64."""

    mime: Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
    data: Annotated[str, Field(max_length=20_000_000)]


class DiagnosticShape(Shape):
    """What the editor says of a place in an open document."""

    uri: Address
    range: RangeShape
    severity: Literal["error", "warning", "information", "hint"] = "error"
    message: Annotated[str, Field(max_length=4_000)]


class EarlierTurn(Shape):
    """A turn that the client has kept; without an answer it is shown, and never sent to a model."""

    id: ClientsId | None = None
    text: Annotated[Text, Field(pattern=r"\S")]
    attachments: Annotated[tuple[TextAttachment, ...], Field(max_length=64)] = ()
    answer: Text


class NoParams(Shape):
    """Nothing."""


class ChatParams(Shape):
    """A question; without a conversation it begins a new one, and any turn may ask another ``agent``.

    With a ``history``, perhaps an empty one, an unknown conversation begins under the client's own id (1 to
    64 letters, digits, - and _) and with these turns: the server may have been started anew. In a known one
    they change nothing.

    ``turn`` names this turn, so that the client knows whose events come. ``replaces`` is a turn of this
    conversation that is asked anew: its answer was not wanted. No model is shown it, and if it was the last
    it lifts this step; one that never came here is not missed.
    """

    text: Text
    conversation: ClientsId | None = None
    turn: ClientsId | None = None
    replaces: Id | None = None
    history: Annotated[tuple[EarlierTurn, ...], Field(max_length=MAX_TURNS)] | None = None
    model: ModelName | None = None
    task: Task = "chat"
    attachments: Annotated[tuple[AnyAttachment, ...], Field(max_length=64)] = ()
    images: Annotated[tuple[ImageShape, ...], Field(max_length=16)] = ()
    diagnostics: Annotated[tuple[DiagnosticShape, ...], Field(max_length=100)] = ()
    reasoning: ReasoningEffort | None = None
    agent: Id | None = None


class ChatResult(Shape):
    """The whole answer."""

    conversation: str
    turn: str
    text: str
    finish_reason: FinishReason
    route: RouteShape
    usage: UsageShape
    cost: CostShape


class DocumentHole(Shape):
    """A position in an open document."""

    uri: Address
    position: PositionShape
    model: ModelName | None = None


class TextHole(Shape):
    """A hole in text that need not be open in the editor."""

    path: Address
    language: Id
    prefix: Text
    suffix: Text
    model: ModelName | None = None


CompleteParams: TypeAlias = Annotated[
    Annotated[DocumentHole, Tag("DocumentHole")] | Annotated[TextHole, Tag("TextHole")],
    _shape_by(path="TextHole", prefix="TextHole", uri="DocumentHole"),
]


class ItemShape(Shape):
    """One insertion."""

    id: str
    text: str


class CompleteResult(Shape):
    """Insertions; none, with a ``reason`` and ``why`` in words, where nothing was asked or it is withheld."""

    items: list[ItemShape]
    reason: str | None = None
    why: str | None = None
    route: RouteShape | None = None
    usage: UsageShape
    cost: CostShape | None = None

    def json_value(self) -> dict[str, object]:
        """Return it with its texts as they are to be inserted: what they may hold ``trim`` has said."""
        return {**super().json_value(), "items": self.exact_value()["items"]}


class CostReportParams(Shape):
    """A time and what to group by; with a ``format`` the answer has the report as text too."""

    since: Id | None = None
    until: Id | None = None
    by: list[Dimension] | None = None
    workspace: Address | None = None
    format: Literal["table", "csv", "html"] | None = None


RouteParams: TypeAlias = Annotated[
    Annotated[DocumentHole, Tag("DocumentHole")]
    | Annotated[TextHole, Tag("TextHole")]
    | Annotated[ChatParams, Tag("ChatParams")],
    _shape_by(path="TextHole", prefix="TextHole", uri="DocumentHole", text="ChatParams"),
]


class ModelShape(Shape):
    """One model at one provider; an unknown figure is null."""

    id: str
    provider: str
    context_window: int | None
    max_output_tokens: int | None
    input_usd_per_mtok: Annotated[str | None, Field(alias="inputUsdPerMTok")]
    output_usd_per_mtok: Annotated[str | None, Field(alias="outputUsdPerMTok")]
    capabilities: list[str]
    state: LineState


class ModelsResult(Shape):
    """All models that could be asked for."""

    models: list[ModelShape]


class ExplainParams(Shape):
    """Which completion or turn; by default the last."""

    id: Id | None = None


class ExplainResult(Shape):
    """Why it was what it was.

    Of a completion ``source`` is where it came from (cache, running, model, ahead, embedded), or ``silence``
    the
    name of why there was none; ``waitedMs`` is how long the editor waited, ``snippets`` how many pieces of
    other files the model was shown.
    """

    id: str
    kind: Literal["completion", "turn"]
    reason: str
    shown: bool
    accepted: bool
    route: RouteShape | None = None
    usage: UsageShape | None = None
    cost: CostShape | None = None
    first_token_ms: int | None = None
    total_ms: int | None = None
    source: str | None = None
    silence: str | None = None
    waited_ms: int | None = None
    snippets: int | None = None


class SetCredentialParams(Shape):
    """A key to keep in memory, or null to forget it.

    It is for the address of this moment: settings go first, and the key again where they change that.
    """

    provider: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    secret: Annotated[str, Field(max_length=4096)] | None


class SetModelParams(Shape):
    """A model for a task, until the server ends."""

    task: Task
    model: ModelName


class EmptyResult(Shape):
    """Nothing."""


class ConversationLine(Shape):
    """One conversation in the list."""

    id: str
    title: str
    turns: int


class ConversationsResult(Shape):
    """All conversations, the newest first."""

    conversations: list[ConversationLine]


class ConversationParams(Shape):
    """Which conversation."""

    conversation: Id


class TurnShape(Shape):
    """One question and its answer. Without ``cost`` it runs, a client has kept it, or nothing has left.

    ``replaces`` is the turn that it has asked anew.
    """

    id: str
    question: str
    answer: str
    replaces: str | None = None
    finish_reason: FinishReason | None = None
    usage: UsageShape | None = None
    cost: CostShape | None = None


class ConversationResult(Shape):
    """A whole conversation."""

    id: str
    title: str
    turns: list[TurnShape]


class FeedbackParams(Shape):
    """What became of an answer, by default the last: ``errors`` are left in the file that it was applied to.

    It lifts the conversation's next step, once, if it says that the answer did not help.
    """

    conversation: Id
    turn: Id | None = None
    outcome: Outcome
    errors: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class DoctorParams(Shape):
    """``probe``: also ask the model that completes a few tiny questions, which cost what they cost."""

    probe: bool = False


class PauseParams(Shape):
    """Whether tab completion rests, until this is said again. Who asks by hand is answered."""

    paused: bool


class CheckShape(Shape):
    """One finding of the doctor."""

    name: str
    state: Literal["ok", "warning", "error"]
    message: str
    hint: str


class DoctorResult(Shape):
    """All findings."""

    checks: list[CheckShape]


METHOD_SHAPES: dict[str, tuple[object, type[Shape]]] = {
    "chat": (ChatParams, ChatResult),
    "complete": (CompleteParams, CompleteResult),
    "costReport": (CostReportParams, ReportShape),
    "route": (RouteParams, RouteShape),
    "models": (NoParams, ModelsResult),
    "explain": (ExplainParams, ExplainResult),
    "setCredential": (SetCredentialParams, EmptyResult),
    "setModel": (SetModelParams, EmptyResult),
    "conversations": (NoParams, ConversationsResult),
    "conversation": (ConversationParams, ConversationResult),
    "deleteConversation": (ConversationParams, EmptyResult),
    "feedback": (FeedbackParams, EmptyResult),
    "doctor": (DoctorParams, DoctorResult),
    "pause": (PauseParams, EmptyResult),
}
