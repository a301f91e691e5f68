"""Each surface in four themes: pictures for people to look at, and that something legible is on them."""

import base64
import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from support.vscode import THEMES, Theme
from support.vscode_pictures import take

SURFACES = {"chat", "readme", "status", "apply", "costs", "key", "menu"}
MIN_COLOURS = 200
"""A picture that is not drawn yet has a handful."""

pytestmark = pytest.mark.slow


def colours(page: Page, picture: Path) -> int:
    """Count the colours of a picture, which Chromium reads."""
    return page.evaluate(
        """async (base64) => {
            const image = new Image();
            image.src = `data:image/png;base64,${base64}`;
            await image.decode();
            const canvas = new OffscreenCanvas(image.width, image.height);
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            const { data } = context.getImageData(0, 0, image.width, image.height);
            return new Set(new Uint32Array(data.buffer)).size;
        }""",
        base64.b64encode(picture.read_bytes()).decode(),
    )


@pytest.mark.parametrize("theme", THEMES)
def test_every_surface_is_drawn_in_every_theme(chromium: Browser, tmp_path: Path, theme: Theme):
    taken = take(chromium, tmp_path, theme, tmp_path)
    assert set(taken) == SURFACES
    with chromium.new_context() as context:
        page = context.new_page()
        drawn = {name: colours(page, picture) for name, picture in taken.items()}
    assert {name: count for name, count in drawn.items() if count < MIN_COLOURS} == {}
    if kept := os.environ.get("FAREBOX_TEST_PICTURES"):
        Path(kept).mkdir(parents=True, exist_ok=True)
        for picture in taken.values():
            shutil.copy(picture, kept)
