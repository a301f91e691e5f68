"""How many real holes a small local model fills with something that parses, through the whole server.

Run it as ``python tests/bench/holes.py``; README.md here says what the numbers mean.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["FAREBOX_REQUIRE_MODELS"] = "1"

from support.client import AUTOMATIC, INVOKED, Client
from support.holes import CONFIG, FOLDER, fill, holes, table, whole_share
from support.llama import Proxy, serving

FEWEST_WHOLE = 0.8


def main() -> int:
    """Fill all holes, print what came and the verdict."""
    parser = argparse.ArgumentParser(description="Fill real holes with a local model.")
    parser.add_argument("--automatic", action="store_true", help="as typing asks, not as a key does")
    parser.add_argument("--holes", type=Path, default=FOLDER, help="another folder of files with holes")
    options = parser.parse_args()
    kind = AUTOMATIC if options.automatic else INVOKED
    with (
        tempfile.TemporaryDirectory() as name,
        serving("qwen", Path(name)) as llama,
        Proxy.before(llama.port) as proxy,
    ):
        environment = {"FAREBOX_LOCAL_BASE_URL": f"http://127.0.0.1:{proxy.port}/v1"}
        with Client(Path(name), config=CONFIG, environment=environment) as client:
            client.initialize()
            fillings = [fill(client, hole, kind) for hole in holes(options.holes)]
        requests = len(proxy.posts)
    whole = whole_share(fillings)
    print(f"{table(fillings)}\n{requests} requests")
    print(f"{'PASS' if whole >= FEWEST_WHOLE else 'FAIL'} {whole:.0%} whole, at least {FEWEST_WHOLE:.0%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
