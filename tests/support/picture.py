"""Draw README's picture: run the demo and write what a terminal shows as SVG.

``python tests/support/picture.py server/demo.svg`` uses whatever ``farebox demo`` finds. Let a local model
complete the same place once before: in an editor the keystroke before has warmed its cache.
"""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 100


def main(target: str) -> None:
    """Run the demo and write the picture."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)}
    command = [sys.executable, "-m", "farebox", "demo"]
    shown = subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown.strip()))
    svg = console.export_svg(title="farebox demo")
    # A picture that fetches nothing: no fonts from elsewhere, no link to its maker.
    svg = re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    Path(target).write_text(svg, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
