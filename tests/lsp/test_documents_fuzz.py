"""Random edits over text that is easily cut wrongly leave what an oracle of code units has, each time."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.bad_input import KEY, serve
from support.client import Client, Failed
from support.environment import openrouter_config
from support.fuzz.model import Model, attached, visible
from support.fuzz.provider import prompt_of
from support.fuzz.steps import Send
from support.metamodel import Json
from support.twin import Twin, run
from support.units import ENCODINGS, PIECES, Edit, Encoding, Units, random_edits, random_text
from support.upstream import Upstream

URI = "untitled:fuzz"
EDITS = 3_000
EDITS_OVER_THE_PIPE = 60
EDITS_A_LOOK = 6

pieces = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
places = st.tuples(
    st.integers(0, 6) | st.just(2**31 - 1), st.integers(0, 8) | st.sampled_from((64, 2**31 - 1))
)
edits = st.builds(Edit, places, places, pieces)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_many_random_edits_leave_the_text_that_the_oracle_has(encoding: Encoding) -> None:
    assert run(random.Random(f"7 {encoding}"), encoding, EDITS).edits == EDITS


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ENCODINGS), pieces, st.lists(edits, max_size=6))
def test_any_edits_leave_the_text_that_the_oracle_has(
    encoding: Encoding, source: str, made: list[Edit]
) -> None:
    twin = Twin(source, encoding)
    twin.compare()
    for edit in made:
        twin.edit(edit)


@pytest.mark.parametrize(
    ("encoding", "source", "edit", "then"),
    [
        pytest.param("utf-16", "😀", Edit((0, 1), (0, 1), "x"), "\ud83dx\ude00", id="a-pair-split"),
        pytest.param("utf-16", "\ud83dx\ude00", Edit((0, 1), (0, 2), ""), "😀", id="halves-that-meet"),
        pytest.param("utf-8", "é", Edit((0, 1), (0, 1), "x"), "xé", id="inside-a-sequence"),
        pytest.param("utf-32", "a\r\nb", Edit((0, 9), (1, 0), ""), "ab", id="past-the-line's-end"),
        pytest.param("utf-16", "a\rb", Edit((1, 0), (1, 0), "\n"), "a\r\nb", id="cr-and-lf-meet"),
        pytest.param("utf-16", "abcd", Edit((0, 3), (0, 1), "Z"), "aZd", id="the-wrong-way-round"),
        pytest.param("utf-16", "\f\u2028\nd", Edit((1, 0), (1, 0), "x"), "\f\u2028\nxd", id="no-line-ends"),
    ],
)
def test_the_oracle_itself_knows_what_editors_do(
    encoding: Encoding, source: str, edit: Edit, then: str
) -> None:
    oracle = Units(source, encoding)
    oracle.replace(edit)
    assert oracle.source == then


# --- from outside ---------------------------------------------------------------------------------


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        serve(server, rejects=False)
        yield server


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_model_is_shown_the_text_that_the_oracle_has(
    tmp_path: Path, upstream: Upstream, encoding: Encoding
) -> None:
    dice = random.Random(f"outside {encoding}")
    oracle = Units(random_text(dice, 10), encoding)
    with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=KEY) as client:
        general: Json = {"positionEncodings": [encoding, "utf-16"]}
        result = client.initialize(capabilities={"general": general})
        assert result["capabilities"]["positionEncoding"] == encoding
        client.open(URI, oracle.source)
        for _ in range(EDITS_OVER_THE_PIPE // EDITS_A_LOOK):
            for _ in range(EDITS_A_LOOK // 2):
                made: list[Edit] = []
                for edit in random_edits(dice, oracle, 3):
                    oracle.replace(edit)
                    made.append(edit)
                client.edit(URI, *((edit.start, edit.end, edit.text) for edit in made))
            client.chat("?", attachments=[{"uri": URI}])
            assert attached(prompt_of(upstream.requests[-1].json)) == visible(oracle.source)


@pytest.mark.parametrize(
    "start",
    [
        pytest.param({"line": -5, "character": 0}, id="before-the-first-line"),
        pytest.param({"line": 0, "character": -1}, id="before-a-line"),
        pytest.param({"line": 2**31, "character": 0}, id="no-number-of-the-protocol"),
        pytest.param({"line": "0", "character": 0}, id="no-number"),
    ],
)
def test_after_an_edit_at_no_place_a_document_is_not_known_until_it_is_opened_again(
    tmp_path: Path, upstream: Upstream, start: Json
) -> None:
    right = {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}, "text": "c"}
    wrong = {"range": {"start": start, "end": {"line": 0, "character": 1}}, "text": "d"}
    model = Model("utf-16")
    with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=KEY) as client:

        def tell(method: str, **said: object) -> None:
            document = {"uri": URI, "version": 1, "languageId": "x", "text": "ab"}
            params: Json = {"textDocument": document, **said}
            client.notify(method, params)
            model.hear(Send({"jsonrpc": "2.0", "method": method, "params": params}))

        client.initialize()
        tell("textDocument/didOpen")
        tell("textDocument/didChange", contentChanges=[right, wrong])
        tell("textDocument/didChange", contentChanges=[right])
        assert model.open == {}
        with pytest.raises(Failed, match="not open"):
            client.chat("?", attachments=[{"uri": URI}])
        tell("textDocument/didOpen")
        tell("textDocument/didChange", contentChanges=[right])
        client.chat("?", attachments=[{"uri": URI}])
    assert attached(prompt_of(upstream.requests[-1].json)) == model.open[URI].source == "cb"
