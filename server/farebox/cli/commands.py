"""What the command line understands: every command with its options, which module it is handed to, and when.

A command's module is imported only when it runs. Knows nothing of what the commands do.
"""

import argparse
from collections.abc import Callable
from typing import TypeAlias, get_args

import farebox
from farebox.cli.usage import Columns, Parser
from farebox.messages import Task

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # pyright: ignore[reportPrivateUsage]

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


def commands_parser(lsp: Callable[[], int]) -> Parser:
    """Return the parser of everything: each command's options have its ``run`` and its own ``parser``."""
    parser = Parser(
        prog="farebox",
        description="The AI backend that an editor user owns: completion, chat and costs.",
        formatter_class=Columns,
    )
    parser.add_argument("--version", action="version", version=f"farebox {farebox.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_lsp(commands, lsp)
    _add_demo(commands)
    _add_chat(commands)
    _add_complete(commands)
    _add_route(commands)
    _add_models(commands)
    _add_costs(commands)
    _add_status(commands)
    _add_replay(commands)
    _add_auth(commands)
    _add_doctor(commands)
    _add_schema(commands)
    _add_nvim_path(commands)
    return parser


def _add_lsp(commands: Commands, lsp: Callable[[], int]) -> None:
    parser = commands.add_parser("lsp", help="the language server, on stdin and stdout")
    parser.add_argument("--stdio", action="store_true", help="accepted, and always so")

    def run(_options: argparse.Namespace) -> int:
        return lsp()

    parser.set_defaults(run=run, parser=parser)


def _add_demo(commands: Commands) -> None:
    parser = commands.add_parser("demo", help="see a completion, a chat and what they cost")
    parser.add_argument("--simulated", action="store_true", help="use the simulated provider in any case")

    def run(options: argparse.Namespace) -> int:
        from farebox.cli.demo import demo

        return demo(simulated=options.simulated)

    parser.set_defaults(run=run, parser=parser)


def _add_chat(commands: Commands) -> None:
    parser = commands.add_parser(
        "chat",
        help="ask a question",
        description=_CHAT,
        formatter_class=argparse.RawDescriptionHelpFormatter,  # breaks no example
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

    def run(options: argparse.Namespace) -> int:
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


def _add_agent(parser: Parser) -> None:
    parser.add_argument("--agent", metavar="NAME", help="one of your config's [agents.NAME]")


def _add_task(parser: Parser) -> None:
    tasks = get_args(Task)
    parser.add_argument(
        "--task", default="chat", choices=tasks, metavar="TASK", help=f"{', '.join(tasks)} (chat)"
    )


def _add_complete(commands: Commands) -> None:
    parser = commands.add_parser("complete", help="complete a file at a position")
    parser.add_argument("place", metavar="FILE:LINE:COLUMN", help="line and column count from 1")
    parser.add_argument("--model", help="a model, an alias or auto")
    parser.add_argument("--json", action="store_true", help="print the whole result as JSON")

    def run(options: argparse.Namespace) -> int:
        from farebox.cli.complete import complete

        return complete(options.place, model=options.model, as_json=options.json)

    parser.set_defaults(run=run, parser=parser)


def _add_route(commands: Commands) -> None:
    parser = commands.add_parser("route", help="show where a question would go; nothing is sent")
    parser.add_argument("text", nargs="*", help="the question")
    parser.add_argument("--model", help="a model, an alias or auto")
    _add_agent(parser)
    _add_task(parser)
    parser.add_argument("--json", action="store_true", help="print the route as JSON")

    def run(options: argparse.Namespace) -> int:
        from farebox.cli.route import route

        return route(
            options.text,
            model=options.model,
            agent=options.agent,
            task=options.task,
            as_json=options.json,
        )

    parser.set_defaults(run=run, parser=parser)


def _add_models(commands: Commands) -> None:
    parser = commands.add_parser("models", help="list the models that you could use now")
    parser.add_argument("--all", action="store_true", help="with everything that OpenRouter lists, too")
    parser.add_argument("--json", action="store_true", help="print them as JSON")

    def run(options: argparse.Namespace) -> int:
        from farebox.cli.models import models

        return models(every=options.all, as_json=options.json)

    parser.set_defaults(run=run, parser=parser)


def _add_costs(commands: Commands) -> None:
    parser = commands.add_parser("costs", help="what was spent, on what")
    parser.add_argument("--since", help="a date, today, 7d, month … (7d)")
    parser.add_argument("--until", help="a date, which includes that day, or a time")
    parser.add_argument(
        "--by", help="day, hour, model, provider, task, workspace, conversation, client, language (day,model)"
    )
    parser.add_argument("--workspace", help="only this folder's")
    parser.add_argument("--format", default="table", choices=["table", "json", "csv", "html"])
    parser.add_argument("--output", metavar="FILE", help="write it into this file; html wants one, or a pipe")

    def run(options: argparse.Namespace) -> int:
        from farebox.cli.costs import print_costs

        return print_costs(
            since=options.since,
            until=options.until,
            by=options.by,
            workspace=options.workspace,
            style=options.format,
            output=options.output,
        )

    parser.set_defaults(run=run, parser=parser)


def _add_status(commands: Commands) -> None:
    parser = commands.add_parser("status", help="what today has cost, in one line for a prompt")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print it as JSON")
    how.add_argument(
        "--format", metavar="TEXT", help="a line of your own, with {today} {month} {requests} {held} {budget}"
    )

    def run(options: argparse.Namespace) -> int:
        from farebox.cli.status import print_status

        return print_status(line=options.format, as_json=options.json)

    parser.set_defaults(run=run, parser=parser)


def _add_replay(commands: Commands) -> None:
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

    def run(options: argparse.Namespace) -> int:
        from farebox.cli.replay import print_replay

        return print_replay(
            options.strategy,
            since=options.since,
            until=options.until,
            workspace=options.workspace,
            as_json=options.json,
        )

    parser.set_defaults(run=run, parser=parser)


def _add_auth(commands: Commands) -> None:
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

    def run(options: argparse.Namespace) -> int:
        from farebox.cli.auth import auth

        return auth(options.action, getattr(options, "provider", None))

    parser.set_defaults(run=run, parser=parser)


def _add_doctor(commands: Commands) -> None:
    parser = commands.add_parser("doctor", help="check config, keys, providers and ledger")
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")
    parser.add_argument(
        "--accept-damage",
        action="store_true",
        help="let what was saved from a damaged ledger count as all that was spent",
    )
    parser.add_argument(
        "--probe",
        action="store_true",
        help="also find out how your completion model is best asked: a few tiny requests, charged as any",
    )
    parser.add_argument(
        "--report",
        nargs="?",
        const="farebox-report.txt",
        metavar="FILE",
        help="write all that helps to find a fault, and nothing of yours, into a file (- prints it)",
    )

    def run(options: argparse.Namespace) -> int:
        if options.report is not None:
            from farebox.cli.diagnosis import report

            return report(options.report)
        from farebox.cli.doctor import print_checks

        return print_checks(as_json=options.json, accepts_damage=options.accept_damage, probes=options.probe)

    parser.set_defaults(run=run, parser=parser)


def _add_schema(commands: Commands) -> None:
    parser = commands.add_parser("schema", help="print the JSON schema of farebox's own protocol")

    def run(_options: argparse.Namespace) -> int:
        from farebox.cli.schema import print_schema

        return print_schema()

    parser.set_defaults(run=run, parser=parser)


def _add_nvim_path(commands: Commands) -> None:
    parser = commands.add_parser("nvim-path", help="print the folder of the Neovim plugin, for an init.lua")
    parser.add_argument("--link", action="store_true", help="have Neovim find it: a link in its data folder")

    def run(options: argparse.Namespace) -> int:
        from farebox.cli.nvim_path import link_nvim_plugin, print_nvim_path

        return link_nvim_plugin() if options.link else print_nvim_path()

    parser.set_defaults(run=run, parser=parser)
