"""``farebox doctor``: what is set up, what is missing and what to do about it."""

from farebox.app import App
from farebox.cli.running import with_app
from farebox.cli.terminal import show, show_json
from farebox.doctor import Check
from farebox.lsp.methods import CheckShape, DoctorResult
from farebox.unseen import clean

_SIGNS = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}


def print_checks(*, as_json: bool, accepts_damage: bool = False, probes: bool = False) -> int:
    """Print all checks, each hint at the first check that has it; fail if one of them is an error."""

    async def examine(app: App) -> tuple[Check, ...]:
        if accepts_damage:
            await app.ledger.accept_damage()
        checks = await app.examine()
        return (*checks, await app.probe()) if probes else checks

    checks = with_app(examine)
    if as_json:
        result = DoctorResult(checks=[CheckShape.model_validate(check) for check in checks])
        show_json(result.json_value())
    else:
        given: set[str] = set()
        for check in checks:
            show(clean(f"{_SIGNS[check.state]}  {check.name}: {check.message}"))
            if check.hint and check.hint not in given:
                show(clean(f"         -> {check.hint}"))
            given.add(check.hint)
    return 1 if any(check.state == "error" for check in checks) else 0
