"""The command line: reads arguments and hands each sub-command to its own module, imported only then."""

import gc
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from farebox.cli.usage import Parser

    Commands = argparse._SubParsersAction[Parser]  # pyright: ignore[reportPrivateUsage]

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
EXIT_INTERRUPTED = 130
"""As a shell calls what Ctrl-C has ended: 128 and the signal's number."""

_CHAT = """\
Ask a question. Without one it is read from stdin, or asked for in a terminal.
What is piped in beside a question goes with it:

  git diff | farebox chat "Review this."

In a shell's loop, as in "while read", that is what the loop reads, to its end,
unless you give it something else:

  while read -r name; do farebox chat "What is $name?" </dev/null; done <names
"""

_PROVIDER = "openrouter, openai, anthropic, groq … or one of your config's; farebox auth list names more"
_NEVER_A_KEY = (
    "name the provider and nothing else: a key is never an argument, for it would stay in the shell's history"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Errors go to stderr with their hint."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given and given[0] == "lsp" and set(given[1:]) <= {"--stdio"}:
            return _lsp()  # before argparse is built: an editor waits for this
        _print_anything()
        return _run(given)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _lsp() -> int:
    if not (sys.stdin and sys.stdout):
        _complain("the language server speaks on stdin and stdout, and one of them is closed")
        return EXIT_FAILED
    # Imports create many objects and no garbage; lsp.server switches the collector on again.
    gc.disable()
    from farebox.lsp.server import serve

    if sys.stdin.isatty():
        from farebox.cli.terminal import note

        note("farebox lsp speaks LSP on stdin and stdout, and waits for an editor; Ctrl-C ends it")
    serve()
    return EXIT_OK


def _run(given: Sequence[str]) -> int:
    parser = _parser()
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
        _internal(error, f"an internal error: {type(error).__name__}")
    else:
        return code
    return EXIT_FAILED


def _complain(text: str) -> None:
    from farebox.cli.terminal import note

    note(f"farebox: {text}")


def _internal(error: Exception, text: str) -> None:
    if os.environ.get("FAREBOX_DEBUG") == "1":
        import traceback

        from farebox.cli.terminal import note

        note("".join(traceback.format_exception(error)).rstrip())
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


def _parser() -> "Parser":
    import farebox
    from farebox.cli.usage import Parser

    parser = Parser(
        prog="farebox", description="The AI backend that an editor user owns: completion, chat and costs."
    )
    parser.add_argument("--version", action="version", version=f"farebox {farebox.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_lsp(commands)
    _add_demo(commands)
    _add_chat(commands)
    _add_complete(commands)
    _add_route(commands)
    _add_models(commands)
    _add_costs(commands)
    _add_replay(commands)
    _add_auth(commands)
    _add_doctor(commands)
    _add_schema(commands)
    return parser


def _add_lsp(commands: "Commands") -> None:
    parser = commands.add_parser("lsp", help="the language server, on stdin and stdout")
    parser.add_argument("--stdio", action="store_true", help="accepted, and always so")

    def run(_options: "argparse.Namespace") -> int:
        return _lsp()

    parser.set_defaults(run=run, parser=parser)


def _add_demo(commands: "Commands") -> None:
    parser = commands.add_parser("demo", help="see a completion, a chat and what they cost")
    parser.add_argument("--simulated", action="store_true", help="use the simulated provider in any case")

    def run(options: "argparse.Namespace") -> int:
        from farebox.cli.demo import demo

        return demo(simulated=options.simulated)

    parser.set_defaults(run=run, parser=parser)


def _add_chat(commands: "Commands") -> None:
    from argparse import RawDescriptionHelpFormatter

    parser = commands.add_parser(
        "chat",
        help="ask a question",
        description=_CHAT,
        formatter_class=RawDescriptionHelpFormatter,  # breaks no example
    )
    parser.add_argument("text", nargs="*", help="the question; - alone means that it is on stdin")
    parser.add_argument("--model", help="a model, an alias or auto")
    _add_agent(parser)
    _add_task(parser)
    parser.add_argument("--json", action="store_true", help="print the whole result as JSON")
    parser.add_argument(
        "--json-standard",
        choices=["openai", "claude"],
        help="read JSON in this API's shape from stdin, and print such",
    )

    def run(options: "argparse.Namespace") -> int:
        from farebox.cli.chat import chat

        return chat(
            options.text,
            model=options.model,
            agent=options.agent,
            task=options.task,
            as_json=options.json,
            standard=options.json_standard,
        )

    parser.set_defaults(run=run, parser=parser)


def _add_agent(parser: "Parser") -> None:
    parser.add_argument("--agent", metavar="NAME", help="one of your config's [agents.NAME]")


def _add_task(parser: "Parser") -> None:
    from typing import get_args

    from farebox.messages import Task

    tasks = get_args(Task)
    parser.add_argument(
        "--task", default="chat", choices=tasks, metavar="TASK", help=f"{', '.join(tasks)} (chat)"
    )


def _add_complete(commands: "Commands") -> None:
    parser = commands.add_parser("complete", help="complete a file at a position")
    parser.add_argument("place", metavar="FILE:LINE:COLUMN", help="line and column count from 1")
    parser.add_argument("--model", help="a model, an alias or auto")
    parser.add_argument("--json", action="store_true", help="print the whole result as JSON")

    def run(options: "argparse.Namespace") -> int:
        from farebox.cli.complete import complete

        return complete(options.place, model=options.model, as_json=options.json)

    parser.set_defaults(run=run, parser=parser)


def _add_route(commands: "Commands") -> None:
    parser = commands.add_parser("route", help="show where a question would go; nothing is sent")
    parser.add_argument("text", nargs="*", help="the question")
    parser.add_argument("--model", help="a model, an alias or auto")
    _add_agent(parser)
    _add_task(parser)
    parser.add_argument("--json", action="store_true", help="print the route as JSON")

    def run(options: "argparse.Namespace") -> int:
        from farebox.cli.route import route

        return route(
            options.text,
            model=options.model,
            agent=options.agent,
            task=options.task,
            as_json=options.json,
        )

    parser.set_defaults(run=run, parser=parser)


def _add_models(commands: "Commands") -> None:
    parser = commands.add_parser("models", help="list the models that you could use now")
    parser.add_argument("--all", action="store_true", help="with everything that OpenRouter lists, too")
    parser.add_argument("--json", action="store_true", help="print them as JSON")

    def run(options: "argparse.Namespace") -> int:
        from farebox.cli.models import models

        return models(every=options.all, as_json=options.json)

    parser.set_defaults(run=run, parser=parser)


def _add_costs(commands: "Commands") -> None:
    parser = commands.add_parser("costs", help="what was spent, on what")
    parser.add_argument("--since", help="a date, today, 7d, month … (7d)")
    parser.add_argument("--until", help="a date, which includes that day, or a time")
    parser.add_argument(
        "--by", help="day, hour, model, provider, task, workspace, conversation, client (day,model)"
    )
    parser.add_argument("--workspace", help="only this folder's")
    parser.add_argument("--format", default="table", choices=["table", "json", "csv"])

    def run(options: "argparse.Namespace") -> int:
        from farebox.cli.costs import print_costs

        return print_costs(
            since=options.since,
            until=options.until,
            by=options.by,
            workspace=options.workspace,
            style=options.format,
        )

    parser.set_defaults(run=run, parser=parser)


def _add_replay(commands: "Commands") -> None:
    parser = commands.add_parser(
        "replay",
        help="what it would have cost under another strategy",
        description="What the recorded requests would have cost under another strategy, or always at the "
        "strongest model. Nothing is sent: each request is planned again, by your settings of today.",
    )
    parser.add_argument(
        "--strategy", choices=["cheap", "balanced", "quality", "strongest"], help="only this one (all four)"
    )
    parser.add_argument("--since", help="a date, today, 7d, month … (7d)")
    parser.add_argument("--until", help="a date, which includes that day, or a time")
    parser.add_argument("--workspace", help="only this folder's")
    parser.add_argument("--json", action="store_true", help="print the whole result as JSON")

    def run(options: "argparse.Namespace") -> int:
        from farebox.cli.replay import print_replay

        return print_replay(
            options.strategy,
            since=options.since,
            until=options.until,
            workspace=options.workspace,
            as_json=options.json,
        )

    parser.set_defaults(run=run, parser=parser)


def _add_auth(commands: "Commands") -> None:
    parser = commands.add_parser("auth", help="keep, list and remove keys")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    action = actions.add_parser(
        "login",
        help="keep a provider's key",
        description="Keep a provider's key. It is typed at a prompt that does not show it, or piped in: "
        "farebox auth login groq <key.txt",
    )
    action.add_argument("provider", help=_PROVIDER)
    refusal = f"{_NEVER_A_KEY}. Type it at the prompt, or pipe it in"
    action.set_defaults(action="login", parser=action, refusal=refusal)
    action = actions.add_parser("logout", help="remove a provider's key")
    action.add_argument("provider", help=_PROVIDER)
    action.set_defaults(action="logout", parser=action, refusal=_NEVER_A_KEY)
    action = actions.add_parser("list", help="show which keys are there, and where")
    action.set_defaults(action="list", parser=action)

    def run(options: "argparse.Namespace") -> int:
        from farebox.cli.auth import auth

        return auth(options.action, getattr(options, "provider", None))

    parser.set_defaults(run=run, parser=parser)


def _add_doctor(commands: "Commands") -> None:
    parser = commands.add_parser("doctor", help="check config, keys, providers and ledger")
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")

    def run(options: "argparse.Namespace") -> int:
        from farebox.cli.doctor import print_checks

        return print_checks(as_json=options.json)

    parser.set_defaults(run=run, parser=parser)


def _add_schema(commands: "Commands") -> None:
    parser = commands.add_parser("schema", help="print the JSON schema of farebox's own protocol")

    def run(_options: "argparse.Namespace") -> int:
        from farebox.cli.schema import print_schema

        return print_schema()

    parser.set_defaults(run=run, parser=parser)
