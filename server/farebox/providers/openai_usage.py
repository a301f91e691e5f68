"""What one answer of the OpenAI dialect used and cost, as its provider reports it.

Pure. Wire facts: the OpenAI API reference (``usage``), OpenRouter's usage accounting, DeepSeek's and
Moonshot's caching guides; xAI and Gemini's compatible endpoint count reasoning beside the output.
"""

from typing import Final

from farebox.messages import Usage, nanodollars_from_usd
from farebox.providers.json_value import JsonObject, count, decimal, obj

_COUNTS: Final = ("prompt_tokens", "completion_tokens")


def usage_tables(chunk: JsonObject, choice: JsonObject) -> tuple[JsonObject, ...]:
    """Return the usage objects of a chunk, in its choice too, the most trusted one last."""
    if not ("usage" in chunk or "x_groq" in chunk or "usage" in choice):  # as in most chunks
        return ()
    tables = obj(choice, "usage"), obj(chunk, "x_groq", "usage"), obj(chunk, "usage")
    return tuple(table for table in tables if table)


def usage_of(table: JsonObject, *, reasoning_beside_output: bool = False) -> Usage | None:
    """Read a usage object; None if it says nothing or nonsense: what is not known is not zero.

    OpenAI's counts are inclusive. Cache hits have three names. ``reasoning_beside_output``: the vendor
    counts reasoning only in ``total_tokens``; a total that is the sum of all three says so by itself.
    """
    if any(table.get(name) is not None and count(table, name) is None for name in _COUNTS):
        return None
    if all(table.get(name) is None for name in _COUNTS):
        return None
    details = obj(table, "prompt_tokens_details")
    input_tokens = count(table, "prompt_tokens") or 0
    output_tokens, reasoning = _output(table, input_tokens, beside=reasoning_beside_output)
    cached = (
        count(details, "cached_tokens")
        or count(table, "prompt_cache_hit_tokens")
        or count(table, "cached_tokens")
        or 0
    )
    cached = min(cached, input_tokens)
    written = count(details, "cache_write_tokens") or 0
    return Usage(
        input_tokens=input_tokens,
        cached_input_tokens=cached,
        cache_write_tokens=min(written, input_tokens - cached),
        output_tokens=output_tokens,
        reasoning_tokens=reasoning,
    )


def _output(table: JsonObject, input_tokens: int, *, beside: bool) -> tuple[int, int]:
    """Return the output with its reasoning inside, and the reasoning."""
    written = count(table, "completion_tokens") or 0
    reasoning = count(obj(table, "completion_tokens_details"), "reasoning_tokens") or 0
    total = count(table, "total_tokens")
    if total is None:
        return (written + reasoning, reasoning) if beside else (written, min(reasoning, written))
    hidden = total - input_tokens - written
    if hidden > 0 and (beside or hidden == reasoning):
        return written + hidden, max(hidden, min(reasoning, written + hidden))
    return written, min(reasoning, written)


def reported_nanodollars(table: JsonObject) -> int | None:
    """Read what the provider says the request cost.

    OpenRouter's ``cost`` is what it charged. Where the user's own upstream key paid (``is_byok`` is
    true), the upstream's charge comes on top; otherwise ``upstream_inference_cost`` is only a part of
    ``cost``, and adding it would double the bill.
    """
    cost = decimal(table, "cost")
    if cost is None:
        return None
    if table.get("is_byok") is True:
        cost += decimal(obj(table, "cost_details"), "upstream_inference_cost") or 0
    return nanodollars_from_usd(cost)
