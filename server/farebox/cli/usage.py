"""Wrong usage in argparse's words: the sub-command's own usage, what is wrong, what to do; exit code 2."""

import argparse
import sys
from typing import NoReturn

from farebox.cli.terminal import note
from farebox.errors import InvalidParams
from farebox.unseen import clean


class Columns(argparse.HelpFormatter):
    """Help with room for every sub-command's name: argparse forgets how far it indents them."""

    def add_argument(self, action: argparse.Action) -> None:
        """Hear of an option, or of all sub-commands."""
        super().add_argument(action)
        if action.nargs == argparse.PARSER:
            self._action_max_length += self._indent_increment


class Parser(argparse.ArgumentParser):
    """A parser whose complaints repeat no control character of what was typed; so do its sub-parsers."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end with exit code 2."""
        super().error(clean(message))

    def complain(self, error: InvalidParams) -> None:
        """Say what is wrong with arguments that are well-formed and make no sense."""
        self.print_usage(sys.stderr)
        note(f"{self.prog}: error: {clean(error.message)}\n  {clean(error.hint)}")
