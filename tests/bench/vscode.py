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
OURS, EMPTY = "farebox.farebox", "farebox.nothing"
MANIFEST = {
    "name": "nothing",
    "publisher": "farebox",
    "version": "1.0.0",
    "engines": {"vscode": "^1.106.0"},
    "main": "./extension.js",
    "activationEvents": ["onStartupFinished"],
}


def empty_extension(folder: Path) -> Path:
    """Write an extension that does nothing; return the folder to look for extensions in."""
    place = folder / "extensions" / "farebox.nothing-1.0.0"
    place.mkdir(parents=True)
    (place / "package.json").write_text(json.dumps(MANIFEST), "utf-8")
    (place / "extension.js").write_text("exports.activate = () => {};\n", "utf-8")
    return folder / "extensions"


def start(chromium: Browser, folder: Path) -> dict[str, tuple[float, float]]:
    """Start VS Code once; return the milliseconds that each extension took to load and to activate."""
    said = in_host(chromium, folder, "activation", extensions=empty_extension(folder))
    return {one["id"]: (one["loadMs"], one["activateMs"]) for one in said}


def main() -> int:
    """Measure, print, and say whether it is fast enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name, running_chromium() as chromium:
        folder = Path(name)
        package_into(folder)
        starts: list[dict[str, tuple[float, float]]] = []
        for number in range(rounds):
            (folder / str(number)).mkdir()
            starts.append(start(chromium, folder / str(number)))
    whole = {one: median(sum(times[one]) for times in starts) for one in (OURS, EMPTY)}
    for one in (OURS, EMPTY):
        load, activate = (median(times[one][part] for times in starts) for part in (0, 1))
        print(f"{one}: code loaded in {load:.0f} ms, activated in {activate:.0f} ms (medians of {rounds})")
    extra = whole[OURS] - whole[EMPTY]
    verdict = "PASS" if extra < MOST_MS else "FAIL"
    print(f"{verdict}: {extra:.0f} ms more than an extension that does nothing (at most {MOST_MS:.0f})")
    return 0 if verdict == "PASS" else 1


if __name__ == "__main__":
    sys.exit(main())
