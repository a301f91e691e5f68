"""How many secrets are found, and how much real code is taken for one: recall, false positives and the time.

    python tests/bench/secret_texts.py [--files 4000] [FOLDER...]

The secrets are made up (``support.secret_samples``). The code is that of the running Python and its packages,
or what is in the folders. No file there is expected to hold a real secret, so that all that is found counts
as false; it is printed, for a person to judge.
"""

import argparse
import random
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from farebox.privacy.texts import Secret, masked, secrets_in
from support.secret_samples import MAKERS, TEXTS, Dice, named, private_key, samples

ENDINGS = {".py", ".js", ".ts", ".go", ".c", ".h", ".json", ".toml", ".yml", ".yaml", ".md", ".txt", ".sh"}
MAX_FILE_BYTES = 300_000
PROMPT_CHARS = 10_000
ROUNDS = 200
SHOWN = 15


def recall() -> None:
    """Print which part of the planted secrets was found."""
    missed = [(kind, place) for kind, place, secret, text in samples() if is_left(secret, text)]
    planted = len(MAKERS) * len(TEXTS)
    print(f"formats: {len(MAKERS)} in {len(TEXTS)} texts each, {planted - len(missed)} of {planted} found")
    for one in missed:
        print("  missed:", *one)
    by_name = list(named())
    left = [name for name, secret, text in by_name if is_left(secret, text)]
    print(f"named values: {len(by_name) - len(left)} of {len(by_name)} found", *left)
    keys = [
        private_key(Dice(random.Random(seed)), kind)
        for seed in range(5)
        for kind in ("", "RSA ", "EC ", "OPENSSH ")
    ]
    whole = sum(not any(is_left(line, key) for line in key.splitlines()[1:-1]) for key in keys)
    print(f"private keys: {whole} of {len(keys)} found whole")


def is_left(secret: str, text: str) -> bool:
    return secret.rpartition(":")[2] in masked(text, secrets_in(text))


def code_files(folders: list[Path], most: int) -> list[Path]:
    found = sorted(
        path for folder in folders for path in folder.rglob("*") if path.suffix in ENDINGS and path.is_file()
    )
    random.Random(1).shuffle(found)
    return found[:most]


def texts(files: list[Path]) -> Iterator[tuple[Path, str]]:
    for file in files:
        if file.stat().st_size <= MAX_FILE_BYTES:
            yield file, file.read_text("utf-8", errors="replace")


def false_positives(files: list[Path]) -> None:
    """Print in how many files something was found, and what."""
    count = lines = 0
    hits: list[tuple[Path, Secret, str]] = []
    for file, text in texts(files):
        count, lines = count + 1, lines + text.count("\n")
        hits += [(file, one, text[max(0, one.start - 30) : one.start + 4]) for one in secrets_in(text)]
    with_hits = len({file for file, _, _ in hits})
    print(f"real code: {count} files, {lines} lines")
    print(
        f"  {len(hits)} places in {with_hits} files ({100 * with_hits / max(1, count):.2f} % of them),",
        end=" ",
    )
    print(
        f"{len(hits) / max(1, lines) * 1e6:.0f} in a million lines;",
        dict(Counter(one.kind for _, one, _ in hits)),
    )
    for file, one, before in hits[:SHOWN]:
        print(f"  {file.name}: {one.kind}: {before!r}…")


def cost() -> None:
    """Print what a look at a prompt takes."""
    prompt = (Path(__file__).parent.parent.parent / "server/farebox/router/door.py").read_text("utf-8")[
        :PROMPT_CHARS
    ]
    took_ms: list[float] = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        secrets_in(prompt)
        took_ms.append(1000 * (time.perf_counter() - begun))
    took_ms.sort()
    print(
        f"a prompt of {len(prompt)} characters:",
        f"{took_ms[0]:.2f} ms at best, {took_ms[ROUNDS // 2]:.2f} ms median",
    )


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--files", type=int, default=4_000)
    asked = parser.parse_args()
    recall()
    own = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib")]
    false_positives(code_files(asked.folders or own, asked.files))
    cost()


if __name__ == "__main__":
    main()
