"""What a pattern finds in a text, one match after the other. Knows no language.

``findall`` makes a list of all there is: a long text's words, of which a tenth differ, would be the larger
part of what it takes to learn it. What takes much memory for a moment takes it for good: Python returns a
megabyte only where not one object in it is left.
"""

import re
from collections.abc import Callable, Iterator
from operator import itemgetter

_WHOLE: Callable[[re.Match[str]], str] = itemgetter(0)


def matches(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield each match of a pattern without groups as it comes."""
    return map(_WHOLE, pattern.finditer(text))
