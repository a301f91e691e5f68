"""What gets into a log: constant words and values of allowed names and forms; nothing that somebody said."""

import ast
import json
import logging
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import farebox
from farebox.errors import InvalidParams
from farebox.log_file import files
from farebox.logs import FIELDS, allowed, entry_of, kept, text_of
from farebox.secrets import Secret
from support.canary import KEY, keys_in
from support.environment import clean_environment
from support.patience import WAIT_S

PACKAGE = Path(farebox.__file__).parent
PROMPT = "please mend my secret project"


def record(words: object = "it happened", *arguments: object, name: str = "farebox.test", **extra: object):
    made = logging.LogRecord(name, logging.WARNING, "file.py", 1, words, arguments, None)
    vars(made).update(extra)
    return made


# --- what is told ----------------------------------------------------------------------------------


def test_a_record_of_ours_is_told_by_its_words_and_allowed_values():
    entry = entry_of(record("request failed", kind="missingKey", ms=12.5, count=3))
    assert {name: entry[name] for name in ("level", "logger", "event", "kind", "ms", "count")} == {
        "level": "warning",
        "logger": "farebox.test",
        "event": "request failed",
        "kind": "missingKey",
        "ms": 12.5,
        "count": 3,
    }
    assert text_of(entry) == "farebox.test: request failed: 3: missingKey: 12.5"


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(record("it was %s", PROMPT), id="an-argument"),
        pytest.param(record(f"it was {PROMPT}: 1.2 /a/b"), id="a-text-with-more-than-words"),
        pytest.param(record(prompt=PROMPT, text=PROMPT), id="names-that-are-not-allowed"),
        pytest.param(record(kind=PROMPT, code=KEY, error=[PROMPT], count=PROMPT), id="forms-that-are-not"),
        pytest.param(record(ms=math.nan, bytes=Secret(KEY)), id="no-number"),
        pytest.param(record(PROMPT, name="pygls.protocol"), id="somebody-elses-words"),
        pytest.param(record(name=f"farebox.{KEY}"), id="a-loggers-name"),
        pytest.param(record(Secret(KEY)), id="an-object"),
    ],
)
def test_nothing_else_of_a_record_is_told(one: logging.LogRecord):
    text = json.dumps(entry_of(one)) + text_of(entry_of(one))
    assert PROMPT not in text
    assert keys_in(text) == []
    assert "NaN" not in text


def test_an_exception_is_told_by_its_types_and_places():
    one = record("an internal error")
    with pytest.raises(InvalidParams) as raised:
        Secret(f"{KEY} {PROMPT}")
    one.exc_info = (raised.type, raised.value, raised.tb)
    entry = entry_of(one)
    assert entry["errors"] == ["InvalidParams"]
    assert text_of(entry).startswith("farebox.test: an internal error: InvalidParams: farebox/secrets.py:")
    assert keys_in(json.dumps(entry)) == []


VALUES = st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.lists(st.text()), st.just(KEY))


@given(told=st.dictionaries(st.one_of(st.text(), st.sampled_from(sorted(FIELDS))), VALUES))
def test_whatever_is_handed_in_what_comes_out_is_short_words_and_numbers(told: dict[str, object]):
    entry = allowed(told)
    assert allowed(entry) == entry
    assert set(entry) <= {*FIELDS, "time", "level", "logger", "process", "event", "errors", "frames"}
    json.dumps(entry, allow_nan=False)
    assert keys_in(json.dumps(entry)) == []


def _calls() -> list[tuple[str, ast.Call]]:
    found: list[tuple[str, ast.Call]] = []
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="_log"))):
                    found.append((f"{file.name}:{node.lineno}", node))
                case _:
                    pass
    return found


def test_every_record_of_ours_has_constant_words_and_allowed_names():
    calls = _calls()
    assert len(calls) > 10
    for where, call in calls:
        (words,) = call.args
        assert isinstance(words, ast.Constant), where
        for given_by in call.keywords:
            assert given_by.arg in ("extra", "exc_info"), where
            if given_by.arg == "extra":
                assert isinstance(given_by.value, ast.Dict), where
                names = [key.value for key in given_by.value.keys if isinstance(key, ast.Constant)]
                assert len(names) == len(given_by.value.keys), where
                assert set(names) <= FIELDS, where
        entry = entry_of(record(words.value))
        assert "event" in entry, f"{where}: words that a log does not tell"


# --- where it goes ---------------------------------------------------------------------------------

LOGS = """
import logging, os, sys
from pathlib import Path
from farebox import logs
from farebox.secrets import Secret
logs.begin(lambda: Path(sys.argv[1]), is_debug=False)
for number in range(int(sys.argv[2])):
    logging.getLogger("farebox.test").warning("it happened", extra={"count": number})
logging.getLogger("farebox.test").debug("not told")
logging.getLogger("other").warning("their words %s", "their prompt")
secret = Secret("onlysmallletters")
logging.getLogger("farebox.test").warning("a word", extra={"kind": "onlysmallletters"})
print("alive")
"""


def run(folder: Path, lines: int = 1, stderr: int = subprocess.PIPE) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", LOGS, str(folder), str(lines)],
        env=clean_environment(folder.parent),
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=stderr,
        check=False,
        timeout=WAIT_S,
    )


def test_warnings_go_to_stderr_and_into_a_file_for_their_owner_alone_without_any_key(tmp_path: Path):
    done = run(tmp_path / "data")
    assert done.stderr == "farebox.test: it happened: 0\nother: warning\nfarebox.test: a word: <secret>\n"
    (file,) = files(tmp_path / "data" / "logs")
    if os.name == "posix":
        assert [path.stat().st_mode & 0o777 for path in (file, file.parent)] == [0o600, 0o700]
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [line["logger"] for line in lines] == ["farebox.test", "other", "farebox.test"]
    assert lines[2]["kind"] == "<secret>"
    assert [json.loads(line) for line in kept(tmp_path / "data")][:2] == lines[:2]


def test_a_log_that_can_not_be_written_stops_nothing(tmp_path: Path):
    (tmp_path / "data").write_text("no folder", "utf-8")
    assert run(tmp_path / "data").stdout == "alive\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_under_stderr_stops_nothing(tmp_path: Path):
    with Path("/dev/full").open("wb") as full:
        done = run(tmp_path / "data", stderr=full.fileno())
    assert (done.returncode, done.stdout) == (0, "alive\n")


@pytest.mark.skipif(os.name != "posix", reason="Windows has no way to ask whether a pipe has room")
def test_a_reader_of_stderr_that_is_gone_or_sleeps_stops_nothing(tmp_path: Path):
    reads, writes = os.pipe()
    done = run(tmp_path / "data", 3000, stderr=writes)  # nobody reads, and a pipe holds some 64 kB
    assert (done.returncode, done.stdout) == (0, "alive\n")
    os.close(reads)
    done = run(tmp_path / "gone", stderr=writes)
    os.close(writes)
    assert (done.returncode, done.stdout) == (0, "alive\n")
    assert len(kept(tmp_path / "gone")) == 3


def test_a_line_that_no_log_of_ours_would_have_is_not_read_back(tmp_path: Path):
    folder = tmp_path / "data" / "logs"
    run(tmp_path / "data")
    (file,) = files(folder)
    planted = {"event": f"it was {PROMPT}: 7", "text": PROMPT, "level": "warning"}
    with file.open("a", encoding="utf-8") as stream:
        stream.write(f"{json.dumps(planted)}\nno json {PROMPT}\n[1]\n")
    told = kept(tmp_path / "data")
    assert json.loads(told[-1]) == {"level": "warning"}
    assert PROMPT not in "".join(told)
    assert kept(tmp_path / "nowhere") == []
    assert len(kept(tmp_path / "data", 1)) == 1
