"""Text from models and providers on its way to a terminal: it may not move the cursor or set a title."""

from farebox.report import clean


def harmless(text: str) -> str:
    """Take out control and direction-changing characters; keep line ends and tabs."""
    return "\n".join("\t".join(clean(cell) for cell in line.split("\t")) for line in text.split("\n"))
