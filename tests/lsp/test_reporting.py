"""``farebox/costReport`` over stdio: the report as JSON, and as text for a client that draws nothing."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.client import Client, Failed
from support.environment import openrouter_config
from support.metamodel import Json
from support.upstream import Answer, Upstream, openrouter_stream

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
USAGE: Json = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A client that has asked one question."""
    with Upstream.in_thread() as upstream:
        answer = Answer(body=openrouter_stream("Hello there.", USAGE), content_type="text/event-stream")
        upstream.answer("/v1/chat/completions", answer)
        with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=KEY) as client:
            client.initialize()
            client.chat("Hello", model="openrouter/openai/gpt-4.1-mini")
            yield client


def test_without_a_format_there_is_no_text(client: Client):
    report = client.request("farebox/costReport")
    assert report["total"]["usd"] == "0.000213"
    assert "text" not in report


def test_a_table_is_as_wide_as_a_panel_of_an_editor(client: Client):
    report = client.request("farebox/costReport", {"format": "table", "by": ["task", "model"]})
    assert report["by"] == ["task", "model"]
    lines = report["text"].splitlines()
    assert any("openrouter/openai/gpt-4.1-mini" in line and "$0.000213" in line for line in lines)
    assert max(map(len, lines)) <= 100


def test_csv_has_the_rows_of_the_report(client: Client):
    report = client.request("farebox/costReport", {"format": "csv", "by": ["model"]})
    (row,) = csv.DictReader(io.StringIO(report["text"]))
    assert (row["model"], row["usd"]) == ("openrouter/openai/gpt-4.1-mini", report["rows"][0]["usd"])


def test_a_page_is_whole_and_comes_with_the_usual_report(client: Client):
    report = client.request("farebox/costReport", {"format": "html"})
    assert report["by"] == ["day", "model"]
    assert report["rows"][0]["usd"] == "0.000213"
    assert report["text"].startswith("<!doctype html>")
    assert report["text"].endswith("</html>\n")
    assert "gpt-4.1-mini" in report["text"]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        pytest.param({"format": "pdf"}, "format", id="unknown-format"),
        pytest.param({"format": "html", "by": ["model"]}, "by has no place there", id="page-by-one"),
        pytest.param({"format": "csv", "since": "sometime"}, "'sometime' is no moment", id="since"),
    ],
)
def test_what_cannot_be_shown_is_said(client: Client, params: Json, words: str):
    with pytest.raises(Failed, match=words) as refused:
        client.request("farebox/costReport", params)
    assert refused.value.data["kind"] == "invalidParams"
