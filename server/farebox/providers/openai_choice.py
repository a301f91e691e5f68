"""The one choice that is read of an OpenAI-dialect chunk: farebox asks for one answer, some send more.

Pure. Wire facts: the OpenAI API reference (``choices`` and their ``index``; ``n``). Knows no field of a
choice but its index.
"""

from farebox.providers.json_value import EMPTY, JsonObject, array, obj


def first_choice(chunk: JsonObject) -> JsonObject:
    """Return the choice whose index is 0 or missing, an empty one if there is none."""
    for choice in map(obj, array(chunk, "choices")):
        if _is_first(choice):
            return choice
    return EMPTY


def _is_first(choice: JsonObject) -> bool:
    index = choice.get("index")
    return index == 0 or not isinstance(index, int)
