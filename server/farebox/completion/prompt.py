"""How a hole in a document is put to a model: natively, with the model's own tokens, or by a chat.

``render`` is told how the target fills holes and writes the Call. Whatever the form, what changes seldom
comes first: instructions, pieces of other files, then the text before the cursor. So the prompt's head stays
the same while one types, and the provider's (or llama.cpp's) prompt cache is hit.
"""

from typing import Final, assert_never

from farebox.completion.answer import CLOSE, HOLE, OPEN
from farebox.completion.families import as_comments, family_of
from farebox.completion.window import Snippet, Window
from farebox.completion.window import window as cut
from farebox.messages import Call, Chat, Infill, Message, RawText
from farebox.router.request import Serving, bytes_in

MAX_LINE_TOKENS = 48
MAX_BLOCK_TOKENS = 128
TAG_TOKENS = 32
MAX_OUTPUT_TOKENS = MAX_BLOCK_TOKENS + TAG_TOKENS
"""The most that any form of a hole asks for."""
MAX_INFILL_PREFIX_CHARS: Final = 4_500
"""llama.cpp keeps the last 1,536 tokens of a prefix (three quarters of its usual batch). Cut there, the head
would change with every key; dense code has three characters a token."""
MAX_INFILL_SUFFIX_CHARS: Final = 800
"""What stands behind the cursor is read anew with every key, and a local machine reads slowly."""
MAX_STOPS: Final = 4
"""The limit of OpenAI and vLLM."""

_SYSTEM: Final = f"""You complete code in an editor. You get a file with one hole, written {HOLE}. Pieces of
other files may stand before it.
Reply with the text that replaces {HOLE}, between {OPEN} and {CLOSE}, and nothing else.
Never repeat text that stands before or after the hole. Keep the file's indentation and style. If the
statement is short, fill only the rest of the line. If nothing is missing, reply with an empty completion.

Example:
<file path="area.py">
def area(radius):
    return {HOLE}

print(area(2))
</file>
{OPEN}math.pi * radius ** 2{CLOSE}

Example:
<file path="cart.ts">
export function total(items: Item[]): number {{
  let sum = 0;
  for (const item of items) {{
    {HOLE}
  }}
  return sum;
}}
</file>
{OPEN}sum += item.price * item.count;{CLOSE}

Example:
<file path="main.go">
func load(path string) ([]byte, error) {{
	data, err := os.ReadFile({HOLE})
	if err != nil {{
		return nil, err
	}}
	return data, nil
}}
</file>
{OPEN}path{CLOSE}"""


def render(
    window: Window,
    serving: Serving,
    snippets: tuple[Snippet, ...] = (),
    *,
    one_line: bool,
    temperature: float = 0,
) -> Call:
    """Write the call that fills a window's hole at a target. ``one_line`` ends the answer with its line."""
    limit = MAX_LINE_TOKENS if one_line else MAX_BLOCK_TOKENS
    line_stop = ("\n",) if one_line else ()
    family = family_of(serving.model)
    match serving.fill:
        case "infill":
            extra = tuple((one.name, one.text) for one in snippets)
            here = _for_a_local_server(window)
            prompt = Infill(here.prefix, here.suffix, extra)
            return Call(serving.model, prompt, limit, temperature, line_stop)
        case "suffix":
            is_plain = family is not None and family.plain
            head = family.files(window, snippets) if family is not None and is_plain else ""
            head = head or as_comments(snippets, window.language)
            prompt = Infill(head + window.prefix, window.suffix)
            return Call(serving.model, prompt, limit, temperature, line_stop)
        case "tokens" if family is not None:
            stops = (*line_stop, *family.stops)[:MAX_STOPS]
            prompt = RawText(family.raw(window, snippets))
            return Call(serving.model, prompt, limit, temperature, stops)
        case "tokens" | "chat":
            # Ghost text can't wait for thoughts; a line's end is no stop: a tag may have a line of its own.
            reasoning = "none" if serving.reasons else None
            chat = _chat(window, snippets)
            return Call(serving.model, chat, limit + TAG_TOKENS, temperature, (CLOSE,), reasoning)
        case _:
            assert_never(serving.fill)


def _for_a_local_server(window: Window) -> Window:
    return cut(
        window.name,
        window.language,
        window.prefix,
        window.suffix,
        max_prefix_chars=MAX_INFILL_PREFIX_CHARS,
        max_suffix_chars=MAX_INFILL_SUFFIX_CHARS,
    )


def _chat(window: Window, snippets: tuple[Snippet, ...]) -> Chat:
    pieces = "".join(f'<context path="{one.name}">\n{one.text}\n</context>\n\n' for one in snippets)
    file = f'<file path="{window.name}">\n{window.prefix}{HOLE}{window.suffix}\n</file>'
    return Chat((Message("system", _SYSTEM), Message("user", pieces + file)))


def most_bytes(window: Window, snippets: tuple[Snippet, ...] = ()) -> int:
    """Return the size of the largest form in which this hole may be sent."""
    chat = sum(bytes_in(message.text) for message in _chat(window, snippets).messages)
    if not snippets:
        return chat
    commented = bytes_in(as_comments(snippets, window.language) + window.prefix + window.suffix)
    return max(chat, commented)
