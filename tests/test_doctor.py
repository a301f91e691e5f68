"""The doctor: every check has a state and, where there is something to do, a hint; and it never raises."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

import farebox
from farebox.app import App, Client
from farebox.config import WORKSPACE_FILE
from farebox.doctor import Check
from support.openrouter_models import entry, models
from support.upstream import Upstream, json_answer

OpenApp = Callable[..., App]


@pytest.fixture
async def open_app(tmp_path: Path) -> AsyncIterator[OpenApp]:
    opened: list[App] = []

    def make(config: str = "", *, home: Path | None = None, **environment: str) -> App:
        (tmp_path / "config.toml").write_text(config, "utf-8")
        folders = {
            "FAREBOX_HOME": str(home or tmp_path / "home"),
            "FAREBOX_CONFIG": str(tmp_path / "config.toml"),
        }
        opened.append(App(Client(name="test"), environment={**folders, **environment}))
        return opened[-1]

    yield make
    for app in opened:
        await app.close()


async def checks_of(app: App) -> dict[str, Check]:
    """Examine; servers that happen to run on this machine are left out."""
    return {check.name: check for check in await app.examine() if check.name != "local server"}


async def test_a_provider_that_answers_is_well(open_app: OpenApp, tmp_path: Path):
    async with Upstream() as upstream:
        upstream.answer("/v1/key", json_answer({"data": {"label": "x"}}))
        config = f'[providers.openrouter]\nbase_url = "{upstream.base_url}"'
        checks = await checks_of(open_app(config, OPENROUTER_API_KEY="sk-secret-0123456789"))
        assert [request.path for request in upstream.requests] == ["/v1/key"]
        assert all(request.raw == b"" for request in upstream.requests)
    assert {check.state for check in checks.values()} == {"ok"}
    assert checks["provider openrouter"].message == "answers; key from OPENROUTER_API_KEY"
    assert farebox.__version__ in checks["version"].message
    assert str(tmp_path / "config.toml") in checks["config"].message
    assert checks["chat"].message.startswith("openrouter/")
    assert checks["complete"].message.startswith("openrouter/")
    assert str(tmp_path / "home") in checks["ledger"].message
    assert "sk-secret" not in repr(checks)


async def test_what_a_key_may_still_spend_is_said_and_its_label_never(open_app: OpenApp):
    async with Upstream() as upstream:
        data = {"label": "sk-or-v1-116...0ce", "limit": 10, "limit_remaining": 3.2, "limit_reset": "monthly"}
        upstream.answer("/v1/key", json_answer({"data": {**data, "usage": 6.8, "is_free_tier": True}}))
        config = f'[providers.openrouter]\nbase_url = "{upstream.base_url}"'
        checks = await checks_of(open_app(config, OPENROUTER_API_KEY="sk-secret-0123456789"))
    assert checks["provider openrouter"].message == (
        "answers; key from OPENROUTER_API_KEY; $3.20 of $10.00 left, resets monthly; $6.80 used; free tier"
    )
    assert "116" not in repr(checks)


async def test_a_model_that_will_be_withdrawn_is_a_warning(open_app: OpenApp):
    async with Upstream() as upstream:
        upstream.answer("/v1/key", json_answer({}))
        upstream.answer("/v1/models", json_answer(models(entry(expiration_date="2027-01-31"))))
        config = (
            f'[tasks]\nchat = "openrouter/acme/new"\n[providers.openrouter]\nbase_url = "{upstream.base_url}"'
        )
        app = open_app(config, OPENROUTER_API_KEY="k")
        await app.refresh_listing(asked=True)
        checks = await checks_of(app)
    assert checks["chat"].state == "warning"
    assert checks["chat"].message.endswith("which openrouter will withdraw on 2027-01-31")
    assert checks["complete"].state == "ok"


async def test_a_setting_that_another_provider_would_not_heed_is_an_error(open_app: OpenApp):
    checks = await checks_of(open_app("[providers.openai]\nzdr = true", OPENAI_API_KEY="k"))
    assert checks["config"].state == "error"
    assert "providers.openai.zdr" in checks["config"].message


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param(401, "auth login openrouter", id="rejected-key"),
        pytest.param(503, "Try again", id="trouble"),
    ],
)
async def test_a_provider_that_refuses_is_an_error_with_a_hint(open_app: OpenApp, status: int, words: str):
    async with Upstream() as upstream:
        upstream.answer("/v1/key", json_answer({"error": {"message": "no"}}, status=status))
        config = f'[providers.openrouter]\nbase_url = "{upstream.base_url}"'
        checks = await checks_of(open_app(config, OPENROUTER_API_KEY="k"))
    assert checks["provider openrouter"].state == "error"
    assert words in checks["provider openrouter"].hint


@pytest.mark.parametrize(
    ("config", "environment", "states"),
    [
        pytest.param("", {}, {"chat": "error", "complete": "warning"}, id="nothing-set-up"),
        pytest.param("[providers.openai]", {}, {"chat": "error", "provider openai": "warning"}, id="no-key"),
        pytest.param('[tasks]\nchat = "z-ai/glm-4.7"', {}, {"chat": "error"}, id="unknown-model"),
        pytest.param("[providers.box]", {}, {"provider box": "error"}, id="no-address"),
        pytest.param(
            "",
            {"FAREBOX_LOCAL_BASE_URL": "http://127.0.0.1:9/v1"},
            {"chat": "ok", "provider local": "error"},
            id="no-server-there",
        ),
        pytest.param(
            "[privacy]\nlocal_only = true",
            {"OPENAI_API_KEY": "k"},
            {"chat": "error", "provider openai": "error"},
            id="local-only",
        ),
        pytest.param(
            '[tasks]\nchat = "local/x"',
            {"OPENAI_API_KEY": "two words", "FAREBOX_LOCAL_BASE_URL": "http://127.0.0.1:9/v1"},
            {"provider openai": "error", "chat": "ok", "complete": "ok", "ledger": "ok"},
            id="bad-key",
        ),
        pytest.param("no TOML", {}, {"config": "error", "ledger": "ok"}, id="broken-config"),
        pytest.param("colour = 1", {}, {"config": "error", "ledger": "ok"}, id="unknown-setting"),
    ],
)
async def test_what_is_missing_is_found_and_has_a_hint(
    open_app: OpenApp, config: str, environment: dict[str, str], states: dict[str, str]
):
    checks = await checks_of(open_app(config, **environment))
    assert {name: checks[name].state for name in states} == states
    assert checks["version"].state == "ok"
    for check in checks.values():
        assert check.message
        assert (check.hint != "") == (check.state != "ok")


NOBODY_AT_OPENAI = '[providers.openai]\nbase_url = "http://127.0.0.1:9/v1"\n'
TWO = """
[tasks]
{task} = ["{first}", "box/x"]
[providers.box]
base_url = "http://127.0.0.1:9/v1"
free = true
"""


@pytest.mark.parametrize(
    ("task", "first", "more", "environment", "words", "hint"),
    [
        pytest.param("chat", "openai/gpt-5", "", {}, "no key for openai", "OPENAI_API_KEY", id="no-key"),
        pytest.param(
            "review", "openai/gpt-5", "", {}, "no key for openai", "OPENAI_API_KEY", id="of-its-own"
        ),
        pytest.param(
            "complete",
            "openai/gpt-5",
            "[privacy]\nlocal_only = true",
            {"OPENAI_API_KEY": "k"},
            "not on this machine",
            "local_only = false",
            id="not-local",
        ),
        pytest.param(
            "chat",
            "openai/gpt-5",
            NOBODY_AT_OPENAI + "[budgets]\ndaily_usd = 0",
            {"OPENAI_API_KEY": "k"},
            "the daily budget has $0.00 left",
            "[budgets] daily_usd",
            id="no-money",
        ),
    ],
)
async def test_a_first_choice_that_is_left_out_is_a_warning_that_says_why(
    *,
    open_app: OpenApp,
    task: str,
    first: str,
    more: str,
    environment: dict[str, str],
    words: str,
    hint: str,
):
    checks = await checks_of(open_app(TWO.format(task=task, first=first) + more, **environment))
    check = checks[task]
    assert check.state == "warning"
    assert check.message.startswith(f"box/x (set for the task {task}), since {first} is left out: ")
    assert words in check.message
    assert hint in check.hint


async def test_a_first_choice_that_is_asked_is_well(open_app: OpenApp):
    config = TWO.format(task="review", first="openai/gpt-5") + NOBODY_AT_OPENAI
    checks = await checks_of(open_app(config, OPENAI_API_KEY="k"))
    assert checks["review"] == Check("review", "ok", "openai/gpt-5 (set for the task review)")
    assert "plan" not in checks


async def test_completion_that_is_switched_off_is_said(open_app: OpenApp):
    checks = await checks_of(open_app(NOBODY_AT_OPENAI + "[completion]\nenabled = false", OPENAI_API_KEY="k"))
    assert checks["complete"].state == "warning"
    assert checks["complete"].message == "completion is switched off: [completion] enabled = false"
    assert "enabled = true" in checks["complete"].hint


async def test_languages_without_completion_are_named(open_app: OpenApp):
    config = NOBODY_AT_OPENAI + '[completion]\ndisabled_languages = ["markdown", "yaml"]'
    checks = await checks_of(open_app(config, OPENAI_API_KEY="k"))
    assert checks["complete"].state == "ok"
    assert checks["complete"].message.endswith("; not for markdown, yaml")


async def test_no_hint_leads_to_where_it_stands(open_app: OpenApp):
    for check in (await checks_of(open_app())).values():
        assert "farebox doctor" not in check.hint
        assert (check.hint != "") == (check.state != "ok")


async def test_a_ledger_that_cannot_be_written_is_found(open_app: OpenApp, tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    checks = await checks_of(open_app(home=tmp_path / "file"))
    assert checks["ledger"].state == "error"
    assert checks["ledger"].hint


async def test_keys_that_others_can_read_are_found(open_app: OpenApp, tmp_path: Path):
    (tmp_path / "home").mkdir()
    keys = tmp_path / "home" / "keys.json"
    keys.write_text("{}")
    keys.chmod(0o644)
    checks = await checks_of(open_app())
    assert checks["keys"].state == "error"
    assert "chmod 600" in checks["keys"].hint


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has modes")
async def test_a_folder_that_others_can_change_is_a_warning(open_app: OpenApp, tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir(0o700)
    app = open_app()
    assert "data" not in await checks_of(app)
    home.chmod(0o770)
    check = (await checks_of(app))["data"]
    assert check.state == "warning"
    assert check.hint == f"chmod 700 {home}"


async def test_a_config_that_is_not_there_yet_is_no_error(open_app: OpenApp, tmp_path: Path):
    app = open_app()
    (tmp_path / "config.toml").unlink()
    assert "not there yet" in (await checks_of(app))["config"].message


AGENTS = """
[tasks]
chat = "box/x"
[providers.box]
base_url = "http://127.0.0.1:9/v1"
free = true
[agents.plain]
system = "You rhyme."
[agents.served]
local = {{ base_url = "{}" }}
[agents.lonely]
local = {{ base_url = "http://127.0.0.1:9/v1" }}
[agents.lost]
model = "z-ai/glm-4.7"
[agents.keyless]
model = ["openai/gpt-5", "box/y"]
"""


async def test_for_each_agent_it_says_which_model_or_what_is_missing(open_app: OpenApp):
    async with Upstream() as upstream:
        upstream.answer("/v1/models", json_answer({"data": [{"id": "qwen"}]}))
        checks = await checks_of(open_app(AGENTS.format(upstream.base_url)))
        assert all(request.raw == b"" for request in upstream.requests), "no prompt is sent"
    agents = {name.removeprefix("agent "): one for name, one in checks.items() if name.startswith("agent ")}
    assert {name: check.state for name, check in agents.items()} == {
        "plain": "ok",
        "served": "ok",
        "lonely": "error",
        "lost": "error",
        "keyless": "warning",
    }
    assert agents["plain"].message.startswith("box/x (")
    assert agents["served"].message.startswith("local/default (")
    assert "openrouter/z-ai/glm-4.7" in agents["lost"].hint
    assert agents["keyless"].message.startswith("box/y (")
    assert "openai/gpt-5 is left out: no key for openai" in agents["keyless"].message
    assert "OPENAI_API_KEY" in agents["keyless"].hint
    for check in agents.values():
        assert (check.hint != "") == (check.state != "ok")


async def test_a_budget_for_one_request_that_a_workspace_sets_is_told(tmp_path: Path):
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / WORKSPACE_FILE).write_text("[budgets]\nrequest_usd = 0.5\n", "utf-8")
    folders = {"FAREBOX_HOME": str(tmp_path), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
    app = App(Client(name="test", roots=(str(tmp_path / "w"),)), environment=folders)
    check = (await checks_of(app))["workspace"]
    await app.close()
    assert check.message.endswith("tightens: a request's budget of $0.50")


async def test_the_budgets_are_named_and_what_of_them_a_workspace_has_lowered(tmp_path: Path):
    (tmp_path / "w").mkdir()
    own = (
        "[budgets]\ndaily_usd = 5\n[budgets.tasks.complete]\nhourly_usd = 0.25\n[budgets.ladder]\nstop = 90\n"
    )
    (tmp_path / "config.toml").write_text(own, "utf-8")
    (tmp_path / "w" / WORKSPACE_FILE).write_text(
        "[budgets]\ndaily_usd = 9\nweekly_usd = 8\n[budgets.tasks.complete]\nhourly_usd = 0.1\n"
        "[budgets.ladder]\nlocal = 50\nstop = 95\n",
        "utf-8",
    )
    folders = {"FAREBOX_HOME": str(tmp_path), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
    app = App(Client(name="test", roots=(str(tmp_path / "w"),)), environment=folders)
    checks = await checks_of(app)
    await app.close()
    assert checks["budgets"].message == "daily $5.00, weekly $8.00, hourly complete $0.10"
    assert checks["workspace"].message.endswith(
        "tightens: a weekly budget of $8.00; an hourly complete budget of $0.10; a ladder with local = 50"
    )


async def test_where_usage_is_exported_to_is_said(open_app: OpenApp):
    checks = await checks_of(open_app('[otel]\nendpoint = "http://127.0.0.1:4318"\n'))
    assert checks["otel"].state == "ok"
    assert checks["otel"].message == "usage is exported to http://127.0.0.1:4318"
    elsewhere = '[otel]\nendpoint = "https://collector.example"\n[privacy]\nlocal_only = true\n'
    check = (await checks_of(open_app(elsewhere)))["otel"]
    assert (check.state, check.hint) == ("warning", "Name a collector on this machine.")
    assert "otel" not in await checks_of(open_app())
