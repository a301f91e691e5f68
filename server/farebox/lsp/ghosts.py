"""Ghost text for an editor: from a position in an open document to items, and what ``explain`` says of each.

Decides nothing: what is shown is the ``Completer``'s business. One function for each way to ask.
"""

import asyncio
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from lsprotocol import types

from farebox.completion import engine, gate
from farebox.completion.completer import Completer
from farebox.completion.engine import Completion, Hole, Item
from farebox.completion.hidden import why_withheld
from farebox.completion.moves import Silence, Source
from farebox.completion.outcome import Outcome, completion_of
from farebox.diary import Entry
from farebox.errors import FareboxError
from farebox.lsp.documents import Documents
from farebox.lsp.text import utf16_length
from farebox.privacy import rules_from

if TYPE_CHECKING:
    from farebox.app import App

_ENDED_EARLY: frozenset[Silence] = frozenset({"superseded", "changed", "withdrawn"})


class Superseded(asyncio.CancelledError):
    """A newer request, or an edit, has made this one pointless."""


async def ghost_text(
    app: "App", completer: Completer, documents: Documents, params: types.InlineCompletionParams
) -> tuple[Item, ...]:
    """Complete an open document at a position; nothing if it is not open.

    Raises FareboxError if the user has asked by hand, Superseded where a newer request or an edit came before
    the answer.
    """
    document = documents.get(params.text_document.uri)
    if document is None:
        return ()
    around, revision = document.around(params.position), document.revision
    invoked = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
    hole = Hole(
        path=around.path,
        language=around.language,
        prefix=around.prefix,
        suffix=around.suffix,
        invoked=invoked,
        roots=app.client.roots,
        origin=app.client.origin_of(around.path),
        document=document.uri,
        is_trusted=app.client.trusted,
    )
    try:
        outcome = await (completer.candidates(hole) if invoked else completer.ghost(hole))
    except FareboxError as error:
        _note_failure(app, error)
        raise
    except asyncio.CancelledError:
        _note(app, completer, Outcome(silence="withdrawn"))
        raise
    if outcome.items and not documents.is_at(document, revision):
        outcome = Outcome(silence="changed", waited_ms=outcome.waited_ms)  # between the answer and here
    _note(app, completer, outcome)
    if outcome.silence in _ENDED_EARLY:
        raise Superseded
    if outcome.items:
        app.diary.mark_answered(outcome.items[0].id)
    return outcome.items


def kept_here(app: "App", documents: Documents, uri: str) -> str | None:
    """Say which rule keeps an open document from every model; None if nothing does."""
    document = documents.get(uri)
    try:
        settings = app.config().privacy
    except FareboxError:  # which requests say
        return None
    rules = rules_from(settings, app.client.roots, reads=app.client.trusted)
    shut = gate.kept_here(document.path, rules) if document is not None else None
    return shut.detail if shut is not None else None


async def completed(app: "App", hole: Hole) -> Completion:
    """Fill a hole, once, and keep in the diary what the completion was, or why there was none."""
    try:
        answer = await engine.complete(app.door(), hole, app.config())
    except FareboxError as error:
        _note_failure(app, error)
        raise
    source: Source | None = "model" if answer.items else None
    silence: Silence | None = None if answer.items else "hidden" if answer.hidden else "nothing"
    _write(app, answer, Outcome(answer.items, source, answer.shut, silence, hidden=answer.hidden))
    return answer


def _note_failure(app: "App", error: FareboxError) -> None:
    app.diary.write(
        Entry(id=uuid.uuid4().hex, kind="completion", reason=error.message, silence=f"failed: {error.kind}")
    )


def _note(app: "App", completer: Completer, outcome: Outcome) -> None:
    """Write down an answer: each item with the model call behind it."""
    if len(outcome.items) <= 1:
        _write(app, completion_of(outcome), outcome)
        return
    source = outcome.source
    for item in outcome.items:
        one = replace(outcome, items=(item,), source=source, asking=completer.asking_of(item.id))
        _write(app, completion_of(one), one)
        source = "model"  # what was known already comes first


def _write(app: "App", answer: Completion, outcome: Outcome) -> None:
    """Write an entry for each item, or one that says why there is none."""
    offered = [(item.id, utf16_length(item.text)) for item in answer.items]
    for entry_id, length in offered or [(uuid.uuid4().hex, None)]:
        app.diary.write(
            Entry(
                id=entry_id,
                kind="completion",
                reason=_reason(answer, outcome),
                route=answer.route,
                usage=answer.usage,
                cost=answer.cost,
                first_token_ms=answer.first_token_ms,
                total_ms=answer.total_ms,
                call_id=answer.call_id,
                length=length,
                source=outcome.source,
                silence=_silence(outcome),
                waited_ms=outcome.waited_ms,
                snippets=outcome.asking.snippets if outcome.asking is not None else None,
            )
        )


def _silence(outcome: Outcome) -> str | None:
    return outcome.shut.reason if outcome.shut is not None else outcome.silence


def _reason(answer: Completion, outcome: Outcome) -> str:
    if outcome.shut is not None:
        return f"not asked: {outcome.shut.reason}: {outcome.shut.detail}"
    if outcome.silence is not None:
        return _why_silent(outcome.silence, outcome)
    route = f": {answer.route.reason}" if answer.route is not None else ""
    return f"{_whence(outcome.source)}{route}" if outcome.source is not None else route


def _whence(source: Source) -> str:
    match source:
        case "cache":
            return "from an earlier answer that agrees with what was typed since"
        case "running":
            return "from an answer that is still coming and agrees with what was typed since"
        case "model":
            return "asked for here"
        case "ahead":
            return "asked for in advance, while the text before it was shown"
        case "embedded":
            return "from your own files (embedded/workspace), without a model"
        case _:
            assert_never(source)


def _why_silent(silence: Silence, outcome: Outcome) -> str:
    error = outcome.error
    match silence:
        case "superseded":
            return "a newer request came before there was anything to show"
        case "changed":
            return "the document was edited before there was anything to show"
        case "withdrawn":
            return "the editor took the request back"
        case "nothing":
            return "nothing worth showing came"
        case "hidden":
            return why_withheld(outcome.hidden)
        case "failed":
            return error.message if error is not None else "the model did not answer"
        case "backOff":
            why = f": {error.message}" if error is not None else ""
            return f"no model is asked for a while after a failure{why}"
        case "notAsked":
            return "no model is to be asked here"
        case _:
            assert_never(silence)
