"""What is served when: the order that the specification asks for."""

import pytest

from farebox.lsp.lifecycle import Stage, after, hears, refusal

BEGINNING, RUNNING, CLOSING, ENDED = Stage.BEGINNING, Stage.RUNNING, Stage.CLOSING, Stage.ENDED
CUT_SHORT = Stage.CUT_SHORT


@pytest.mark.parametrize(
    ("stage", "method", "code"),
    [
        (BEGINNING, "initialize", None),
        (BEGINNING, "shutdown", -32002),
        (BEGINNING, "farebox/chat", -32002),
        (RUNNING, "initialize", -32600),
        (RUNNING, "shutdown", None),
        (RUNNING, "farebox/chat", None),
        (RUNNING, "no/such", None),
        (CLOSING, "initialize", -32600),
        (CLOSING, "shutdown", -32600),
        (CLOSING, "farebox/chat", -32600),
        (ENDED, "farebox/chat", -32600),
        (CUT_SHORT, "farebox/chat", -32600),
    ],
)
def test_a_request_at_the_wrong_time_is_refused_with_the_right_code(
    stage: Stage, method: str, code: int | None
) -> None:
    refused = refusal(stage, method)
    assert (None if refused is None else refused.code) == code
    assert refused is None or refused.words


@pytest.mark.parametrize("stage", Stage)
def test_notifications_are_heard_while_the_session_runs_and_exit_always(stage: Stage) -> None:
    assert hears(stage, "textDocument/didOpen") is (stage is RUNNING)
    assert hears(stage, "exit")
    assert after(stage, "exit") is (ENDED if stage in (CLOSING, ENDED) else CUT_SHORT)
    assert after(stage, "exit").is_over
    assert after(stage, "exit").is_well_ended is stage.is_well_ended


def test_a_session_goes_one_way() -> None:
    assert after(BEGINNING, "initialize") is RUNNING
    assert after(RUNNING, "shutdown") is CLOSING
    assert [after(stage, "initialize") for stage in (RUNNING, CLOSING, ENDED)] == [RUNNING, CLOSING, ENDED]
    assert [stage.is_well_ended for stage in Stage] == [False, False, True, True, False]
    assert [after(stage, "shutdown") for stage in (BEGINNING, CLOSING, ENDED)] == [BEGINNING, CLOSING, ENDED]
    assert [after(stage, "any/thing") for stage in Stage] == list(Stage)
