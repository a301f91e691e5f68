"""Our own methods: each turns validated params into a call of a room and the answer into a result.

Decides nothing. One function a method, one table of them; ``call`` is the way in for requests and for
commands alike.
"""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, assert_never, cast

from lsprotocol import types
from pydantic import TypeAdapter, ValidationError

from farebox.chat import conversation as chats
from farebox.chat.prompts import Attachment, Diagnostic
from farebox.completion import engine
from farebox.completion.completer import Completer
from farebox.diary import Entry
from farebox.errors import FareboxError, InvalidParams
from farebox.lsp import ghosts, reporting, results
from farebox.lsp import methods as m
from farebox.lsp.addresses import path_of
from farebox.lsp.documents import Document, Documents
from farebox.lsp.events import Telling
from farebox.messages import Done, Image, Route
from farebox.router import inventory
from farebox.router.door import Door
from farebox.shapes import Shape, cost_shape, route_shape, usage_shape

if TYPE_CHECKING:
    from farebox.app import App


@dataclass(frozen=True, slots=True)
class Context:
    """What a method works with."""

    app: "App"
    documents: Documents
    completer: Completer
    telling: Callable[[str, str], Telling]
    """Tells the client of a turn, given the conversation and the turn."""


Handler = Callable[[Context, object], Awaitable[Shape]]


async def call(context: Context, name: str, params: object) -> dict[str, object]:
    """Run one method. Raises FareboxError."""
    try:
        value = _params_reader(name).validate_python(params or {})  # Lua writes an empty table as []
    except ValidationError as exc:
        raise _invalid(name, exc) from None
    return (await _HANDLERS[name](context, value)).json_value()


def named(params: object) -> list[str]:
    """Return the addresses of the documents that a method is to read, in params that may be anything."""
    match params:
        case {"attachments": list()}:
            places = cast("dict[str, list[object]]", params)["attachments"]
        case _:
            places = [params]
    found = [cast("dict[str, object]", one).get("uri") for one in places if isinstance(one, dict)]
    return [uri for uri in found if isinstance(uri, str)]


@cache
def _params_reader(name: str) -> TypeAdapter[Shape]:
    return TypeAdapter(cast("type[Shape]", m.METHOD_SHAPES[name][0]))


def _invalid(name: str, error: ValidationError) -> InvalidParams:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    # The names of our own shapes stand among the fields: they say nothing to a client.
    fields = [str(part) for part in first["loc"] if not str(part)[:1].isupper()]
    where = ".".join(fields) or "params"
    return InvalidParams(
        f"farebox/{name}: {where}: {first['msg']}", hint="farebox schema prints the params of every method."
    )


async def _chat(context: Context, params: object) -> Shape:
    asked = cast("m.ChatParams", params)
    await context.app.conversations.stopped(asked.conversation)
    conversation = _conversation_of(context, asked)
    door = context.app.door(asked.agent)
    running = chats.RunningTurn(door, conversation, _question(context, asked, door), asked.turn)
    turn = running.turn

    context.app.conversations.begin(conversation)
    telling = context.telling(conversation.id, turn.id)
    done: Done | None = None
    failure: str | None = None
    try:
        async with aclosing(running.events()) as stream:
            async for event in stream:
                context.app.conversations.keep_begun(conversation)
                telling.tell(event)
                await telling.room()
        done = running.done
        await telling.told()
    except FareboxError as error:
        # A failed or stopped turn gets its last event too: what it cost must be seen.
        failure = error.message
        if running.done is not None:
            telling.tell(running.done)
        await telling.told()
        raise
    except BaseException:
        failure = "it was stopped"
        telling.stop(running.done)
        raise
    finally:
        context.app.conversations.end(conversation)
        _note_turn(context, turn, failure)
    assert done is not None  # noqa: S101  a turn that ended well is done
    return m.ChatResult(
        conversation=conversation.id,
        turn=turn.id,
        text=turn.answer,
        finish_reason=done.finish_reason,
        route=route_shape(done.route),
        usage=usage_shape(done.usage),
        cost=cost_shape(done.cost),
    )


def _conversation_of(context: Context, asked: m.ChatParams) -> chats.Conversation:
    history, conversations = asked.history, context.app.conversations
    if history is None:
        return conversations.open(asked.conversation)
    if asked.conversation is None:
        raise InvalidParams(
            "there is a history, but no conversation that it is of",
            hint="Name the conversation, by an id of your own if it is a new one.",
        )
    roots = context.app.client.roots
    return conversations.open(asked.conversation, (_earlier(one, roots) for one in history))


def _earlier(one: m.EarlierTurn, roots: tuple[str, ...]) -> chats.Turn:
    attachments = tuple(map(_text_attachment, one.attachments))
    return chats.earlier_turn(
        chats.Question(one.text, attachments=attachments, roots=roots), one.answer, one.id
    )


def _question(context: Context, asked: m.ChatParams, door: Door) -> chats.Question:
    client = context.app.client
    attachments = tuple(_attachment(context.documents, one) for one in asked.attachments)
    return chats.Question(
        text=asked.text,
        task=asked.task,
        model=asked.model,
        attachments=attachments,
        images=tuple(Image(one.mime, one.data) for one in asked.images),
        diagnostics=tuple(map(_diagnostic, asked.diagnostics)),
        reasoning=asked.reasoning,
        system=door.planner.config.agent.system,
        replaces=asked.replaces,
        roots=client.roots,
        origin=client.origin_of(*(one.path for one in attachments if one.path is not None)),
    )


def _attachment(documents: Documents, one: m.FileAttachment | m.TextAttachment) -> Attachment:
    if isinstance(one, m.TextAttachment):
        return _text_attachment(one)
    hint = "Open the file, or attach its text as {name, text}."
    document = _open_document(documents, one.uri, hint)
    text = document.excerpt(_range(one.range) if one.range is not None else None)
    name = document.path.replace("\\", "/").rpartition("/")[2]
    return Attachment(name, text, document.path, is_excerpt=one.range is not None)


def _text_attachment(one: m.TextAttachment) -> Attachment:
    return Attachment(one.name, one.text, one.name)


def _open_document(documents: Documents, uri: str, hint: str) -> Document:
    document = documents.get(uri)
    if document is None:
        raise InvalidParams(f"{uri} is not open", hint=hint)
    return document


def _diagnostic(one: m.DiagnosticShape) -> Diagnostic:
    return Diagnostic(path_of(one.uri), one.range.start.line + 1, one.severity, one.message)


def _note_turn(context: Context, turn: chats.Turn, failure: str | None) -> None:
    done = turn.done
    reason = failure or (done.route.reason if done is not None else "")
    context.app.diary.write(
        Entry(
            id=turn.id,
            kind="turn",
            reason=reason,
            route=done.route if done is not None else None,
            usage=done.usage if done is not None else None,
            cost=done.cost if done is not None else None,
            first_token_ms=done.first_token_ms if done is not None else None,
            total_ms=done.total_ms if done is not None else None,
            shown=True,
        )
    )


async def _complete(context: Context, params: object) -> Shape:
    answer = await ghosts.completed(context.app, _hole(context, cast("m.CompleteParams", params)))
    return results.complete_result(answer)


def _hole(context: Context, asked: m.CompleteParams) -> engine.Hole:
    client = context.app.client
    match asked:
        case m.TextHole():
            path, language, prefix, suffix = asked.path, asked.language, asked.prefix, asked.suffix
        case m.DocumentHole():
            position = types.Position(asked.position.line, asked.position.character)
            document = _open_document(context.documents, asked.uri, "Open the file first.")
            around = document.around(position)
            path, language, prefix, suffix = around.path, around.language, around.prefix, around.suffix
        case _:
            assert_never(asked)
    return engine.Hole(
        path=path,
        language=language,
        prefix=prefix,
        suffix=suffix,
        invoked=True,
        model=asked.model,
        roots=client.roots,
        origin=client.origin_of(path),
        is_trusted=client.trusted,
    )


async def _cost_report(context: Context, params: object) -> Shape:
    return await reporting.cost_report(context.app, cast("m.CostReportParams", params))


async def _route(context: Context, params: object) -> Shape:
    asked = cast("m.RouteParams", params)
    route: Route
    if isinstance(asked, m.ChatParams):
        door = context.app.door(asked.agent)
        conversation = _conversation_of(context, asked)
        route = await chats.route(door, conversation, _question(context, asked, door))
    else:
        route = await engine.route(context.app.door(), _hole(context, asked))
    return route_shape(route)


async def _models(context: Context, _params: object) -> Shape:
    await context.app.refresh_listing(asked=True)
    lines = await inventory.models(context.app.door().planner)
    return m.ModelsResult(models=[results.model_shape(line) for line in lines])


async def _explain(context: Context, params: object) -> Shape:
    entry = context.app.diary.read(cast("m.ExplainParams", params).id)
    return m.ExplainResult(
        id=entry.id,
        kind=entry.kind,
        reason=entry.reason,
        shown=entry.shown,
        accepted=entry.accepted,
        route=route_shape(entry.route) if entry.route is not None else None,
        usage=usage_shape(entry.usage) if entry.usage is not None else None,
        cost=cost_shape(entry.cost) if entry.cost is not None else None,
        first_token_ms=entry.first_token_ms,
        total_ms=entry.total_ms,
        source=entry.source,
        silence=entry.silence,
        waited_ms=entry.waited_ms,
        snippets=entry.snippets,
    )


async def _set_credential(context: Context, params: object) -> Shape:
    asked = cast("m.SetCredentialParams", params)
    context.app.set_key(asked.provider, asked.secret)
    return m.EmptyResult()


async def _set_model(context: Context, params: object) -> Shape:
    asked = cast("m.SetModelParams", params)
    context.app.set_model(asked.task, asked.model)
    return m.EmptyResult()


async def _conversations(context: Context, _params: object) -> Shape:
    lines = [
        m.ConversationLine(id=one.id, title=one.title, turns=len(one.turns))
        for one in context.app.conversations.newest_first()
    ]
    return m.ConversationsResult(conversations=lines)


async def _conversation(context: Context, params: object) -> Shape:
    conversation = context.app.conversations.open(cast("m.ConversationParams", params).conversation)
    turns = [results.turn_shape(turn) for turn in conversation.turns]
    return m.ConversationResult(id=conversation.id, title=conversation.title, turns=turns)


async def _delete_conversation(context: Context, params: object) -> Shape:
    context.app.conversations.delete(cast("m.ConversationParams", params).conversation)
    return m.EmptyResult()


async def _feedback(context: Context, params: object) -> Shape:
    told = cast("m.FeedbackParams", params)
    context.app.conversations.note(told.conversation, told.turn, told.outcome, told.errors)
    return m.EmptyResult()


async def _doctor(context: Context, params: object) -> Shape:
    checks = await context.app.examine()
    if cast("m.DoctorParams", params).probe:
        checks = (*checks, await context.app.probe())
    return m.DoctorResult(checks=[m.CheckShape.model_validate(check) for check in checks])


async def _pause(context: Context, params: object) -> Shape:
    context.completer.pause(is_paused=cast("m.PauseParams", params).paused)
    return m.EmptyResult()


def _range(shape: m.RangeShape) -> types.Range:
    return types.Range(
        start=types.Position(shape.start.line, shape.start.character),
        end=types.Position(shape.end.line, shape.end.character),
    )


_HANDLERS: dict[str, Handler] = {
    "chat": _chat,
    "complete": _complete,
    "costReport": _cost_report,
    "route": _route,
    "models": _models,
    "explain": _explain,
    "setCredential": _set_credential,
    "setModel": _set_model,
    "conversations": _conversations,
    "conversation": _conversation,
    "deleteConversation": _delete_conversation,
    "feedback": _feedback,
    "doctor": _doctor,
    "pause": _pause,
}
