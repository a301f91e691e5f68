"""What no text that is shown may hold, told by Unicode's own tables, and a corpus of what every text may."""

# ruff: noqa: RUF001
import itertools
import unicodedata

LEGITIMATE = {
    "arabic": "مرحبا بالعالم",
    "arabic-mark": "\u061cالسعر 100 ريال\u061c!",
    "hebrew-mark-after": "שפת C++\u200e טובה מאוד",
    "hebrew-mark-before": "\u200f(שלום) 12",
    "hebrew-in-code": 's = "א\u200f!"  # ok',
    "persian": "می\u200cخواهم کتاب\u200cها را ببینم",
    "persian-mark": "سلام\u200f!",
    "persian-technical": "API\u200cها، (وب)\u200cها، «کتاب»\u200cها، <b>وب</b>\u200cها، ۲\u200cتا، v2\u200cی",
    "hindi": "क्\u200dष और क्\u200cष",
    "bengali": "র\u200d\u09cdয",
    "malayalam": "ന്\u200d",
    "sinhala": "ශ්\u200dරී ලංකා",
    "family": "👨\u200d👩\u200d👧\u200d👦",
    "skin-and-job": "👩🏽\u200d💻",
    "heart": "❤\ufe0f and ❤\ufe0f\u200d🔥",
    "rainbow-flag": "🏳\ufe0f\u200d🌈",
    "pirate-flag": "🏴\u200d☠\ufe0f",
    "england": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "scotland": "go 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f go",
    "keycap": "1\ufe0f\u20e3 #\ufe0f\u20e3",
    "text-style": "\u00a9\ufe0e 2026 \u2122\ufe0f",
    "line-ends": "a\r\nb\n\tc",
    "escape-as-written": 'print("\\x1b[31m", "\\u202e")',
    "japanese-name": "葛\U000e0100城市の辻\U000e0101さん、𠮟\U000e0100る",
    "accents": "né, n\u0303, Ångström, 你好, ภาษาไทย",
}
"""What people write with characters that nobody sees."""

_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_BREAKING = {"Cc", "Cs", "Zl", "Zp"}
_HIDDEN = {
    *"\xad\u034f\u115f\u1160\u180b\u180e\u200b\u2060\u2063\u206f\u3164\ufe00\ufeff\uffa0\ufff9\ufffb\U000e0001\U000e0100\U000e01ef\U000e01f0"
}
_FORMS = "\U000e0100\U000e01ef"


def dangerous(text: str, *, kept: str = "\n\t") -> list[str]:
    """Name what drives a terminal, turns text round, breaks a line or hides; a whole CRLF is a line's end."""
    whole = text.replace("\r\n", "\n" if "\n" in kept else "\r\n")
    return [
        f"U+{ord(char):04X}"
        for before, char in itertools.pairwise("\n" + whole)
        if char not in kept
        and (
            unicodedata.category(char) in _BREAKING
            or unicodedata.bidirectional(char) in _TURNING
            or (char in _HIDDEN and not (char in _FORMS and unicodedata.name(before, "").startswith("CJK ")))
        )
    ]
