"""The table that is printed: one line for each policy."""

from bench.typing.tally import Figures

_COLUMNS = (
    ("pause %", 9),
    ("p50 ms", 8),
    ("p90 ms", 8),
    ("accept %", 10),
    ("req/100", 9),
    ("tok/char", 10),
    ("wrong %", 9),
    ("flicker", 9),
    ("shown %", 9),
    ("time s", 8),
)
NAME_WIDTH = 26
HEAD = " " * NAME_WIDTH + "".join(f"{name:>{width}}" for name, width in _COLUMNS)


def line(name: str, figures: Figures) -> str:
    """Write one policy's line."""
    cells = (
        _share(figures.pause_share),
        _number(figures.wait_p50_ms, 0),
        _number(figures.wait_p90_ms, 0),
        _share(figures.accepted),
        _number(figures.requests_per_100_keys, 1),
        _number(figures.tokens_per_accepted_char, 2),
        _share(figures.wrong_share),
        _number(figures.flicker_per_100_keys, 2),
        _share(figures.shown_share),
        _number(figures.seconds, 0),
    )
    padded = (f"{cell:>{width}}" for cell, (_, width) in zip(cells, _COLUMNS, strict=True))
    return f"{name:{NAME_WIDTH}}" + "".join(padded)


def _share(value: float) -> str:
    return f"{100 * value:.1f}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
