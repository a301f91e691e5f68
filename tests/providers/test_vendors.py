"""The table of vendors: complete, documented, and with quirks that adapters know."""

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import get_args
from urllib.parse import urlsplit

import pytest

from farebox.messages import ReasoningEffort, TraceFormat
from farebox.provider_settings import FillStyle
from farebox.providers.address import is_loopback
from farebox.providers.base import Quirks, ReasoningField, Wire
from farebox.providers.openai_models import matches
from farebox.providers.vendors import custom, vendors

LOCAL = {"ollama", "llamacpp", "lmstudio", "vllm"}


@pytest.mark.parametrize("name", sorted(vendors()))
def test_a_vendor_of_the_table_is_complete(name: str):
    vendor = vendors()[name]
    assert vendor.dialect in get_args(Wire)
    assert vendor.fill is None or vendor.fill in get_args(FillStyle)
    assert vendor.fill_path.startswith("/")
    assert vendor.check_path.startswith("/")
    if name == "local":
        assert vendor.base_url is None
        return
    assert vendor.base_url is not None
    assert not vendor.base_url.endswith("/")
    assert is_loopback(vendor.base_url) == (name in LOCAL)
    if name in LOCAL:
        assert (vendor.free, vendor.opt_in, vendor.key_env) == (True, True, ())
    else:
        assert urlsplit(vendor.base_url).scheme == "https"
        assert vendor.key_env
        assert not vendor.free


def test_only_openrouter_gets_its_preferences():
    assert [name for name, vendor in vendors().items() if vendor.routing] == ["openrouter"]


@pytest.mark.parametrize("name", sorted(vendors()))
def test_the_quirks_of_a_vendor_are_words_that_adapters_know(name: str):
    quirks = vendors()[name].quirks
    assert quirks.max_tokens_field in ("max_tokens", "max_completion_tokens")
    assert quirks.reasoning_field in get_args(ReasoningField)
    assert quirks.trace is None or quirks.trace in get_args(TraceFormat)
    assert set(quirks.efforts) <= set(get_args(ReasoningEffort))
    assert quirks.session_field in (None, "session_id", "prompt_cache_key")
    assert quirks.generation_path is None or quirks.generation_path.startswith("/")


def test_every_quirk_is_told_of_and_read():
    text = resources.files("farebox.providers").joinpath("vendors.toml").read_text("utf-8")
    head = text.partition("\n[")[0]
    used = {key for table in tomllib.loads(text).values() for key in table.get("quirks", {})}
    told = set(re.findall(r"^# (\w+) {2,}\S", head.partition("# quirks")[2], re.MULTILINE))
    assert used <= told
    assert len(told) == len(dataclasses.fields(Quirks))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("openai", {"max_tokens_field": "max_completion_tokens"}, id="openai-limit"),
        pytest.param("openai", {"session_field": "prompt_cache_key"}, id="openai-session"),
        pytest.param(
            "openrouter", {"reasoning_field": "reasoning", "session_field": "session_id"}, id="openrouter"
        ),
        pytest.param(
            "openrouter",
            {"trace": "reasoning_details", "generation_path": "/generation"},
            id="openrouter-trace",
        ),
        pytest.param("mistral", {"usage_option": False, "max_tokens_field": "max_tokens"}, id="mistral"),
        pytest.param("codestral", {"usage_option": False}, id="codestral"),
        pytest.param(
            "deepseek", {"reasoning_field": "thinking", "trace": "reasoning_content"}, id="deepseek"
        ),
        pytest.param("deepseek", {"no_reasoning": " "}, id="deepseek-no-reasoning"),
        pytest.param("zai", {"reasoning_field": "thinking", "trace": "reasoning_content"}, id="zai"),
        pytest.param("xai", {"reasoning_beside_output": True}, id="xai"),
        pytest.param("google", {"reasoning_beside_output": True}, id="google"),
    ],
)
def test_a_vendor_departs_from_the_dialect_by(name: str, expected: Mapping[str, object]):
    quirks = vendors()[name].quirks
    assert {field: getattr(quirks, field) for field in expected} == expected


@pytest.mark.parametrize(
    ("name", "quirk", "fits", "others"),
    [
        pytest.param(
            "openai",
            "fixed_temperature",
            ["o1", "o3-mini", "o4-mini", "gpt-5", "gpt-5-mini-2025-08-07", "gpt-5.4", "gpt-6-luna"],
            ["gpt-4.1", "gpt-4o", "gpt-5-chat-latest", "gpt-5.2-chat-latest"],
            id="openai-temperature",
        ),
        pytest.param(
            "openai",
            "tools_without_reasoning",
            ["gpt-5.4", "gpt-5.4-mini", "gpt-5.6-terra", "gpt-6.1-sol"],
            ["gpt-5", "gpt-5.1", "gpt-4.1", "o3", "gpt-5.4-chat-latest"],
            id="openai-tools",
        ),
        pytest.param(
            "openai", "no_effort", ["gpt-4.1-mini", "gpt-5-chat-latest"], ["gpt-5", "o3"], id="openai-effort"
        ),
        pytest.param(
            "xai",
            "no_effort",
            ["grok-4", "grok-4-0709", "grok-4-1-fast-reasoning", "grok-code-fast-1", "grok-4.20-reasoning"],
            ["grok-3-mini", "grok-4.3", "grok-4.7", "grok-4.20-multi-agent-0309"],
            id="xai-effort",
        ),
        pytest.param(
            "xai",
            "no_stop",
            ["grok-4", "grok-4.7", "grok-3-mini", "grok-code-fast-1"],
            ["grok-3", "grok-4-1-fast-non-reasoning"],
            id="xai-stop",
        ),
        pytest.param(
            "openrouter",
            "cache_marks",
            ["anthropic/claude-sonnet-5.5:nitro", "google/gemini-3.8-flash", "qwen/qwen3-coder-plus"],
            ["openai/gpt-5", "deepseek/deepseek-v4-pro", "google/gemma-3"],
            id="openrouter-caching",
        ),
    ],
)
def test_a_quirk_is_about_models(name: str, quirk: str, fits: list[str], others: list[str]):
    patterns = getattr(vendors()[name].quirks, quirk)
    assert [model for model in (*fits, *others) if matches(model, patterns)] == fits


def test_a_server_of_the_users_own_has_no_quirks():
    assert (custom(None).quirks, custom("openai").key_header) == (Quirks(), "Authorization")


def test_a_server_of_the_users_own_that_speaks_as_anthropic_takes_keys_as_anthropic_does():
    own, known = custom("anthropic"), vendors()["anthropic"]
    assert (own.key_header, own.headers, own.quirks) == (known.key_header, known.headers, known.quirks)
    assert (own.base_url, own.key_env, own.price_id) == (None, (), None)


def test_openrouter_is_told_who_asks():
    assert dict(vendors()["openrouter"].headers)["X-OpenRouter-Title"] == "farebox"
