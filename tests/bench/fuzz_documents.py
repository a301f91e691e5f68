"""Edits documents at random beside an oracle: ``python tests/bench/fuzz_documents.py --edits 100000``.

README.md here says what is printed. A text that differs is printed as the edits that led to it.
"""

import argparse
import hashlib
import random
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support.twin import run  # noqa: E402
from support.units import ENCODINGS  # noqa: E402

EDITS = 100_000


def main() -> int:
    """Edit in each encoding, and print how many edits left equal texts."""
    parser = argparse.ArgumentParser(description="Edit documents beside an oracle.")
    parser.add_argument("--edits", type=int, default=EDITS, help=f"in each encoding ({EDITS})")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for encoding in ENCODINGS:
        digest, began = hashlib.sha256(), time.perf_counter()
        tally = run(random.Random(f"{options.seed} {encoding}"), encoding, options.edits, digest.update)
        took_s = time.perf_counter() - began
        print(
            f"{encoding:7} seed {options.seed}: {tally.edits} edits of {tally.documents} documents,"
            f" the longest of {tally.most_chars} characters; equal after each; {took_s:.0f} s;"
            f" digest {digest.hexdigest()[:16]}",
            flush=True,
        )
    print("PASS")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
