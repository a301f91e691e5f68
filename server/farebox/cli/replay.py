"""``farebox replay``: what the recorded requests would have cost under another policy; nothing is sent."""

from farebox.app import App
from farebox.cli.costs import workspaces
from farebox.cli.running import with_app
from farebox.cli.terminal import note, show, show_json
from farebox.messages import minute_text, usd_text
from farebox.router.replay import POLICIES, Outcome, Policy, Reason, Replay
from farebox.shapes import replay_shape
from farebox.unseen import clean

_HEADS = ("policy", "replanned", "cost", "compared with what was paid")
_MAX_NAMED = 5
"""How many models without a known price are named."""


def print_replay(
    policy: Policy | None, *, since: str | None, until: str | None, workspace: str | None, as_json: bool
) -> int:
    """Print what it would have cost, under one policy or all."""
    policies = POLICIES if policy is None else (policy,)
    folders = (None,) if workspace is None else workspaces(workspace)

    async def ask(app: App) -> tuple[str | None, Replay]:
        nothing: Replay | None = None
        for folder in folders:
            found = await app.replay(since=since, until=until, workspace=folder, policies=policies)
            if found.requests:
                return folder, found
            nothing = nothing or found
        assert nothing is not None  # noqa: S101  there is a folder at least
        return folders[0], nothing

    folder, replay = with_app(ask)
    if folder != folders[0]:
        note(f"requests of the workspace {folder}")
    if as_json:
        show_json(replay_shape(replay).json_value())
        return 0
    for line in describe(replay):
        show(clean(line))
    return 0


def describe(replay: Replay) -> list[str]:
    """Say in lines what it was, what it would have been, and what is not in that."""
    if not replay.requests:
        return [f"No requests {_period(replay)}."]
    return [
        f"{_requests(replay.requests)} {_period(replay)}, planned again",
        "",
        *_table(replay),
        "",
        _paid(replay),
        *(line for outcome in _alike(replay) for line in outcome),
        "Tokens count as they were recorded, the cached ones too; another model would have had less of a",
        "prompt cached at first, and an answer of another length.",
    ]


def _table(replay: Replay) -> list[str]:
    cells = [_HEADS, *(_cells(outcome, replay) for outcome in replay.outcomes)]
    points = max(_before_point(row[2]) for row in cells[1:])
    rows = [
        cells[0],
        *(
            (*row[:2], row[2].rjust(len(row[2]) + points - _before_point(row[2])), row[3])
            for row in cells[1:]
        ),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    return [
        "  ".join(
            (row[0].ljust(widths[0]), row[1].rjust(widths[1]), row[2].ljust(widths[2]), row[3])
        ).rstrip()
        for row in rows
    ]


def _before_point(amount: str) -> int:
    """Count what stands before a point, so that points stand below each other."""
    return len(amount.partition(".")[0])


def _cells(outcome: Outcome, replay: Replay) -> tuple[str, str, str, str]:
    return (
        outcome.policy,
        f"{outcome.replanned:,}",
        "unknown" if outcome.nanodollars is None else _dollars(outcome.nanodollars),
        _compared(outcome.difference_nanodollars, replay.nanodollars),
    )


def _compared(difference: int | None, paid: int | None) -> str:
    if difference is None or paid is None:
        return "unknown"
    if difference == 0:
        return "the same"
    amount = f"{'+' if difference > 0 else '-'}${usd_text(abs(difference))}"
    return f"{amount} ({difference / paid:+.1%})" if paid else amount


def _dollars(nanodollars: int) -> str:
    return f"${usd_text(nanodollars)}"


def _paid(replay: Replay) -> str:
    if replay.nanodollars is None:
        return "What was paid is not known."
    paid = f"Paid: {_dollars(replay.nanodollars)}."
    if replay.baseline_nanodollars is None or replay.saved_nanodollars is None:
        return paid
    saved = replay.saved_nanodollars
    return (
        f"{paid} At the strongest model the same tokens come to {_dollars(replay.baseline_nanodollars)}: "
        f"{'-' if saved < 0 else ''}{_dollars(abs(saved))} saved."
    )


# --- what stays as it was --------------------------------------------------------------------------


def _alike(replay: Replay) -> list[list[str]]:
    """Say what stays as it was, once for all policies that keep the same."""
    policies: dict[tuple[tuple[Reason, int], ...], list[str]] = {}
    for outcome in replay.outcomes:
        policies.setdefault(outcome.kept, []).append(outcome.policy)
    return [_kept(names, kept, replay) for kept, names in policies.items() if kept]


def _kept(policies: list[str], kept: tuple[tuple[Reason, int], ...], replay: Replay) -> list[str]:
    count = sum(number for _, number in kept)
    stays = "stays" if count == 1 else "stay"
    head = f"{', '.join(policies)}: {_requests(count)} {stays} as {'it was' if count == 1 else 'they were'}:"
    return [head, *(f"  {number:,} {_why(reason, replay)}" for reason, number in kept)]


def _why(reason: Reason, replay: Replay) -> str:
    match reason:
        case "named":
            return "named a model, or a list of them"
        case "failed":
            return "failed"
        case "unpriced":
            names = ", ".join(replay.unpriced[:_MAX_NAMED])
            more = ", …" if len(replay.unpriced) > _MAX_NAMED else ""
            return f"without a known price{f' ({names}{more})' if names else ''}"
        case "unrecorded":
            return "from before farebox wrote down how a request is routed"
        case "unplannable":
            return "that no model could take which is set up today"


def _requests(count: int) -> str:
    return f"{count:,} request{'' if count == 1 else 's'}"


def _period(replay: Replay) -> str:
    shape = replay_shape(replay)
    since = f"since {minute_text(shape.since)}" if shape.since else "so far"
    return f"{since} until {minute_text(shape.until)}" if shape.until else since
