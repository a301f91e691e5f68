"""The command line: reads arguments and hands each sub-command to its own module, imported only then."""

import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from farebox.cli.usage import Parser

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
EXIT_INTERRUPTED = 130
"""As a shell calls what Ctrl-C has ended: 128 and the signal's number."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Errors go to stderr with their hint."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given and given[0] == "lsp" and set(given[1:]) <= {"--stdio"}:
            return _lsp()  # before argparse is built: an editor waits for this
        _print_anything()
        if given == ["nvim-path"]:  # as above
            return _nvim_path()
        return _run(given)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _lsp() -> int:
    if not (sys.stdin and sys.stdout):
        _complain("the language server speaks on stdin and stdout, and one of them is closed")
        return EXIT_FAILED
    from farebox.lsp import ballast

    ballast.collect_young()
    ballast.load_types()
    from farebox.lsp.server import serve

    if sys.stdin.isatty():
        from farebox.cli.terminal import note

        note("farebox lsp speaks LSP on stdin and stdout, and waits for an editor; Ctrl-C ends it")
    serve()
    return EXIT_OK


def _nvim_path() -> int:
    from farebox.cli.nvim_path import print_nvim_path

    try:
        return print_nvim_path()
    except BrokenPipeError:
        _drop_output()
    except OSError as error:
        _drop_output()
        _internal(error, error.strerror or str(error))
    return EXIT_FAILED


def _run(given: Sequence[str]) -> int:
    from farebox.cli.commands import commands_parser

    parser = commands_parser(_lsp)
    options, unknown = parser.parse_known_args(given)
    chosen: Parser = getattr(options, "parser", parser)
    if unknown:  # said by the command's own parser, which argparse leaves to the first one
        chosen.error(getattr(options, "refusal", f"unrecognized arguments: {' '.join(unknown)}"))
    run: Callable[[argparse.Namespace], int] | None = getattr(options, "run", None)
    if run is None:
        parser.print_help()
        return EXIT_USAGE
    return _reporting_errors(run, options, chosen)


def _reporting_errors(
    run: "Callable[[argparse.Namespace], int]", options: "argparse.Namespace", parser: "Parser"
) -> int:
    from farebox.errors import FareboxError, InvalidParams

    try:
        code = run(options)
        sys.stdout.flush()
    except InvalidParams as error:
        parser.complain(error)
        return EXIT_USAGE
    except FareboxError as error:
        _complain(f"{error.message}\n  {error.hint}")
    except BrokenPipeError:
        _drop_output()
    except OSError as error:
        _drop_output()
        _internal(error, error.strerror or str(error))
    except Exception as error:  # noqa: BLE001  the edge of the surface: nothing above could tell of it
        _write_down(error)
        _internal(error, f"an internal error: {type(error).__name__}")
    else:
        return code
    return EXIT_FAILED


def _complain(text: str) -> None:
    from farebox.cli.terminal import note

    note(f"farebox: {text}")


def _write_down(error: Exception) -> None:
    from farebox import crash
    from farebox.places import data_folder

    crash.begin(lambda: data_folder(os.environ))
    crash.write_down(error, "command")


def _internal(error: Exception, text: str) -> None:
    if os.environ.get("FAREBOX_DEBUG") == "1":
        import traceback

        from farebox.cli.terminal import note
        from farebox.redaction import without_keys

        note(without_keys("".join(traceback.format_exception(error)).rstrip()))
    _complain(f"{text}; run with FAREBOX_DEBUG=1 for the traceback")


def _print_anything() -> None:
    """Let no character stop the output: what a terminal can't show is replaced, all else is UTF-8.

    What was closed before the start leads to nowhere: print would take stdout for a closed stderr.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")


def _drop_output() -> None:
    """Send to nowhere what can't be written, or Python would fail once more when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
