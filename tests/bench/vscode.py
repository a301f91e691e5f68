"""What the VS Code extension costs its user at start-up, beside an extension that does nothing.

Run it as ``python tests/bench/vscode.py``; README.md here says what each number means.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Browser

from support.vscode import running_chromium
from support.vscode_extension import package_into
from support.vscode_host import in_host

MOST_MS = 50.0
MANIFEST = {
    "name": "nothing",
    "publisher": "farebox",
    "version": "1.0.0",
    "engines": {"vscode": "^1.106.0"},
    "main": "./extension.js",
    "activationEvents": ["onStartupFinished"],
}


def empty_extension(folder: Path) -> Path:
    """Write an extension that does nothing."""
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps(MANIFEST), "utf-8")
    (folder / "extension.js").write_text("exports.activate = () => {};\n", "utf-8")
    return folder


def start(chromium: Browser, folder: Path, extension: Path | None) -> tuple[float, float]:
    """Start VS Code once with an extension; return the milliseconds that it took to load and to activate."""
    folder.mkdir()
    (said,) = in_host(chromium, folder, "activation", extension=extension)
    return said["loadMs"], said["activateMs"]


def main() -> int:
    """Measure, print, and say whether it is fast enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name, running_chromium() as chromium:
        folder = Path(name)
        package_into(folder)
        nothing = empty_extension(folder / "nothing")
        ours: list[tuple[float, float]] = []
        empty: list[tuple[float, float]] = []
        for number in range(rounds):
            ours.append(start(chromium, folder / f"ours-{number}", None))
            empty.append(start(chromium, folder / f"empty-{number}", nothing))
    for name, starts in (("farebox", ours), ("an empty extension", empty)):
        load, activate = (median(times[part] for times in starts) for part in (0, 1))
        print(f"{name}: code loaded in {load:.0f} ms, activated in {activate:.0f} ms (medians of {rounds})")
    extra = median(map(sum, ours)) - median(map(sum, empty))
    verdict = "PASS" if extra < MOST_MS else "FAIL"
    print(f"{verdict}: {extra:.0f} ms more than an extension that does nothing (at most {MOST_MS:.0f})")
    return 0 if verdict == "PASS" else 1


if __name__ == "__main__":
    sys.exit(main())
