"""Who speaks which dialect where, and with which quirks: ``vendors.toml``, read.

Facts only: whether a vendor can be used, and with which key, is the directory's question.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Literal, cast

from farebox.messages import ReasoningEffort, TraceFormat
from farebox.provider_settings import Dialect, FillStyle
from farebox.providers.base import Quirks, ReasoningField, Wire
from farebox.providers.json_value import JsonObject, array, obj, text


@dataclass(frozen=True, slots=True)
class Vendor:
    """One table of ``vendors.toml``."""

    dialect: Wire
    base_url: str | None
    key_env: tuple[str, ...]
    price_id: str | None
    free: bool
    opt_in: bool
    fill: FillStyle | None
    fill_path: str
    check_path: str
    key_header: Literal["Authorization", "x-api-key"]
    bearer_env: tuple[str, ...]
    bearer_prefix: str | None
    bearer_headers: tuple[tuple[str, str], ...]
    quirks: Quirks
    routing: bool
    headers: tuple[tuple[str, str], ...]


@cache
def vendors() -> Mapping[str, Vendor]:
    """Read ``vendors.toml``."""
    data = resources.files("farebox.providers").joinpath("vendors.toml").read_text("utf-8")
    tables = cast("JsonObject", tomllib.loads(data))
    return {name: _vendor(obj(table)) for name, table in tables.items()}


def custom(dialect: Dialect | None) -> Vendor:
    """Describe a user's own server: one of Anthropic's dialect takes keys and calls as Anthropic does."""
    if dialect != "anthropic":
        return _CUSTOM
    return replace(vendors()["anthropic"], base_url=None, key_env=(), price_id=None)


def _vendor(table: JsonObject) -> Vendor:
    return Vendor(
        dialect=cast("Wire", text(table, "dialect") or "openai"),
        base_url=text(table, "base_url") or None,
        key_env=_names(table, "key_env"),
        price_id=text(table, "price_id") or None,
        free=table.get("free") is True,
        opt_in=table.get("opt_in") is True,
        fill=cast("FillStyle | None", text(table, "fill") or None),
        fill_path=text(table, "fill_path") or "/completions",
        check_path=text(table, "check_path") or "/models",
        key_header="x-api-key" if text(table, "key_header") == "x-api-key" else "Authorization",
        bearer_env=_names(table, "bearer_env"),
        bearer_prefix=text(table, "bearer_prefix") or None,
        bearer_headers=_headers(table, "bearer_headers"),
        quirks=_quirks(obj(table, "quirks")),
        routing=table.get("routing") is True,
        headers=_headers(table, "headers"),
    )


def _quirks(table: JsonObject) -> Quirks:
    return Quirks(
        max_tokens_field=text(table, "max_tokens") or "max_tokens",
        usage_option=table.get("usage_option") is not False,
        reasoning_field=cast("ReasoningField", text(table, "reasoning") or "reasoning_effort"),
        efforts=cast("tuple[ReasoningEffort, ...]", _names(table, "efforts")),
        no_effort=_names(table, "no_effort"),
        tools_without_reasoning=_names(table, "tools_without_reasoning"),
        fixed_temperature=_names(table, "fixed_temperature"),
        no_stop=_names(table, "no_stop"),
        reasoning_beside_output=table.get("reasoning_beside_output") is True,
        trace=cast("TraceFormat | None", text(table, "trace") or None),
        no_reasoning=text(table, "no_reasoning") or None,
        thought_signature=text(table, "thought_signature") or None,
        session_field=text(table, "session") or None,
        cache_marks=_names(table, "cache_marks"),
        generation_path=text(table, "generation_path") or None,
    )


def _names(table: JsonObject, key: str) -> tuple[str, ...]:
    return tuple(str(name) for name in array(table, key))


def _headers(table: JsonObject, key: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)) for name, value in obj(table, key).items())


_CUSTOM = _vendor({})
