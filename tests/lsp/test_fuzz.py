"""A short fuzz of the real server over its pipes in three layers, and every case that was ever found.

``tests/bench/fuzz.py`` is the long one.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.fuzz.campaign import Report, cases_of_life, fails, run_life
from support.fuzz.life import Ending
from support.fuzz.steps import Await, Case, Layer, Raw, Send, read_case, read_cases
from support.traffic import frame

CORPUS = sorted((Path(__file__).parents[1] / "data" / "fuzz").glob("*.jsonl"))
CASES: dict[Layer, int] = {"bytes": 250, "grammar": 150, "session": 50}
ENDINGS: dict[Layer, Ending] = {"bytes": "abrupt", "grammar": "exit", "session": "busy"}
SEED = "f0l0"


def run(cases: Sequence[Case], ending: Ending = "exit") -> Report:
    """Run cases in one process. Fails with the shortest case that shows what is wrong."""
    report = Report()
    found = asyncio.run(run_life(cases, ending, report))
    assert found is None, f"{found.what}\n{found.case.line()}"
    return report


@pytest.mark.parametrize("layer", CASES)
def test_no_sequence_hangs_or_fools_the_server(layer: Layer) -> None:
    report = run(cases_of_life(SEED, layer, CASES[layer]), ENDINGS[layer])
    assert report.tally[layer] == CASES[layer]
    assert report.billed == report.booked
    assert layer != "session" or report.tally["texts compared"] > 0


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_what_was_found_once_stays_mended(file: Path) -> None:
    by_encoding: dict[str, list[Case]] = {}
    for case in read_cases(file):
        by_encoding.setdefault(case.encoding, []).append(case)
    assert by_encoding
    for cases in by_encoding.values():
        run(cases)


def test_a_case_is_the_same_from_its_line_of_json() -> None:
    layers: tuple[Layer, ...] = ("bytes", "grammar", "session")
    lines = [case.line() for layer in layers for case in cases_of_life("f1l1", layer, 20)]
    assert [read_case(line).line() for line in lines] == lines


def test_an_edit_that_the_oracle_is_not_told_of_is_found() -> None:
    uri, marker = "untitled:liar", "liar.0"
    document = {"uri": uri, "languageId": "python", "version": 1, "text": "x = 1\n"}
    behind = {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": "x = 2\n"}]}
    question = {"text": f"marker={marker}", "attachments": [{"uri": uri}]}
    rpc = {"jsonrpc": "2.0"}
    case = Case(
        "liar",
        "session",
        (
            Send({**rpc, "method": "textDocument/didOpen", "params": {"textDocument": document}}),
            Raw(frame({**rpc, "method": "textDocument/didChange", "params": behind})),
            Send({**rpc, "id": marker, "method": "farebox/chat", "params": question}),
            Await(marker),
        ),
    )
    assert "a model was shown 'x = 2\\n'" in str(asyncio.run(fails(case)))
