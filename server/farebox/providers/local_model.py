"""What a model server on the user's own machine says of one model. Pure.

Wire facts: Ollama's ``/api/show`` (docs.ollama.com, ``api/types.go``) and ``types/modelref`` of its source.
"""

import re
from dataclasses import dataclass
from typing import Final

from farebox.provider_settings import FillStyle
from farebox.providers.json_value import JsonObject, array, count, obj, text

_NUM_CTX = re.compile(r"^num_ctx\s+(\d{1,9})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class LocalModel:
    """What a server says of one model; None is not known.

    ``context_tokens`` is the most that it takes, prompt and answer together. ``num_ctx`` is the context that
    Ollama has it loaded with, or that its Modelfile sets. ``think`` are the values that Ollama's field of
    that name takes for it: none for a model that can't think. ``remote``: it runs on someone else's machine.
    """

    context_tokens: int | None = None
    num_ctx: int | None = None
    fill: FillStyle | None = None
    think: tuple[bool | str, ...] | None = None
    completes: bool = True
    remote: bool = False


UNKNOWN_MODEL: Final = LocalModel()


def is_cloud(model: str) -> bool:
    """Say whether a name means, to Ollama, a model that it asks for at ollama.com: ``gpt-oss:120b-cloud``."""
    return model.strip().lower().endswith((":cloud", "-cloud"))


def read_show(table: JsonObject) -> LocalModel:
    """Read Ollama's ``/api/show``. Versions before 0.6.4 list no capabilities: there the template tells."""
    info = obj(table, "model_info")
    length = count(info, f"{text(info, 'general.architecture')}.context_length") or None
    num_ctx = _NUM_CTX.search(text(table, "parameters"))
    capabilities = array(table, "capabilities")
    inserts = "insert" in capabilities if capabilities else ".Suffix" in text(table, "template")
    return LocalModel(
        context_tokens=length,
        num_ctx=int(num_ctx[1]) or None if num_ctx is not None else None,
        fill="suffix" if inserts else "tokens",
        think=_think_values(table, capabilities),
        completes=not capabilities or "completion" in capabilities,
        remote=bool(text(table, "remote_host")),
    )


def _think_values(table: JsonObject, capabilities: list[object]) -> tuple[bool | str, ...] | None:
    """Read what ``think`` may be. Older versions do not list it: gpt-oss takes levels, others a switch."""
    stated = array(obj(table, "thinking"), "values")
    values = tuple(value for value in stated if isinstance(value, bool | str))
    if values:
        return values
    if not capabilities:
        return None
    if "thinking" not in capabilities:
        return ()
    family = text(obj(table, "details"), "family").replace("-", "")
    return ("low", "medium", "high") if family == "gptoss" else (False, True)
