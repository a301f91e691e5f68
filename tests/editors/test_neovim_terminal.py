"""Neovim in a real terminal, with the real server: what a person sees, from ghost text to the bill."""

import html
import re
import sys
from pathlib import Path

import pytest

from support.neovim import PLUGIN
from support.neovim_pictures import (
    ANSWER,
    GHOST,
    chat,
    costs,
    diff,
    ghost,
    health,
    neovim_in_tmux,
    whole,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="tmux is not there"),
]


PICTURE = PLUGIN.with_name("neovim.svg")


def words(svg: str) -> str:
    """Return what a picture says, without colours and the sum of the day: lines may be asked for ahead."""
    drawn = svg.partition("</style>")[2]
    said = "".join(html.unescape("".join(re.findall(r">([^<]*)<", drawn))).split())
    return re.sub(r"farebox\$[\d.]+", "farebox$", said)


def test_a_person_sees_ghost_text_a_chat_a_diff_what_it_cost_and_whether_all_is_well(
    version: str, tmp_path: Path
):
    with neovim_in_tmux(tmp_path, version) as terminal:
        screen = ghost(terminal)
        assert f" 21     {GHOST}" in screen.text
        screen = chat(terminal)
        assert "## farebox" in screen.text
        assert "412 in, 85 out · $0.0025" in screen.text
        assert ANSWER.split("\n")[-1] in screen.text
        screen = whole(terminal)
        assert words(screen.svg()) == words(PICTURE.read_text("utf-8")), (
            "README shows another plugin: take the picture again (support/neovim_pictures.py)"
        )
        screen = diff(terminal)
        assert "hunk 1 of 1: gha accept · ghr reject" in screen.text
        screen = costs(terminal)
        assert "farebox costs: today, by model" in screen.text
        assert "claude-sonnet-4.5" in screen.text
        screen = health(terminal)
        assert "the server runs" in screen.text
        for _ in range(2):
            assert "Press ENTER" not in screen.text
            terminal.keys("Escape")
            screen = terminal.screen()
