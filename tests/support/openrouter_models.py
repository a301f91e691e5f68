"""Entries of OpenRouter's list of models, as tests need them; in the shape of the recorded ones."""

JsonTable = dict[str, object]


def entry(name: str = "acme/new", **change: object) -> JsonTable:
    """Return one entry; a field given replaces its own whole."""
    return {
        "id": name,
        "canonical_slug": f"{name}-20261101",
        "name": "ACME: New",
        "description": "words " * 40,
        "context_length": 200_000,
        "architecture": {"input_modalities": ["text", "image"], "tokenizer": "Other"},
        "pricing": {
            "prompt": "0.000003",
            "completion": "0.000015",
            "web_search": "0.01",
            "input_cache_read": "0.0000003",
            "input_cache_write": "0.00000375",
        },
        "top_provider": {"context_length": 100_000, "max_completion_tokens": 32_000},
        "supported_parameters": ["tools", "reasoning", "max_tokens"],
        "reasoning": {"mandatory": False, "supported_efforts": ["high", "medium", "low"]},
        "expiration_date": None,
        **change,
    }


def priced(name: str, prompt: str, completion: str, **more: object) -> JsonTable:
    """Return an entry with these prices (USD a token)."""
    return entry(name, pricing={"prompt": prompt, "completion": completion, **more})


def models(*entries: JsonTable) -> JsonTable:
    """Return the body of an answer."""
    return {"data": list(entries)}
