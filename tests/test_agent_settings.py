"""Roles and agents: what can be set, what an agent changes, and where the user's keys never go."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from farebox.agent_settings import MAX_AGENTS, MAX_SYSTEM_CHARS, AgentSettings, Roles
from farebox.config import Config, Tasks
from farebox.errors import ConfigError, InvalidParams, MissingKey
from farebox.messages import Tier
from farebox.provider_settings import ProviderSettings
from farebox.providers.directory import Directory
from farebox.providers.http import Http
from farebox.providers.vendors import vendors
from farebox.secrets import Keys
from support.settings import check

KEY = "test-0123456789"

# --- roles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("roles", "tier", "chain"),
    [
        pytest.param(Roles(), "strong", (), id="nothing-is-set"),
        pytest.param(Roles(planning="a"), "strong", ("a",), id="planning-is-strong"),
        pytest.param(Roles(coding=["a", "b"]), "balanced", ("a", "b"), id="coding-is-balanced"),
        pytest.param(Roles(fast="a"), "fast", ("a",), id="fast-is-fast"),
        pytest.param(Roles(planning="a", fast="b"), "balanced", (), id="no-tier-takes-anothers"),
    ],
)
def test_a_role_is_a_chain_for_a_tier(roles: Roles, tier: Tier, chain: tuple[str, ...]):
    assert roles.chain(tier) == chain


@pytest.mark.parametrize("value", ['"auto"', '"auto:cheap"', '["a/b", "auto:quality"]'])
def test_a_role_is_never_auto(user_file: Path, value: str):
    with pytest.raises(ConfigError) as raised:
        check(user_file, f"[roles]\ncoding = {value}\n")
    assert raised.value.message.startswith(f"{user_file}, line 2: roles.coding: auto")
    assert "a role is what auto chooses from" in raised.value.message
    assert raised.value.hint


def test_nor_through_an_alias_of_whatever_layer(user_file: Path):
    text = '[roles]\nfast = ["x/y", "quick"]\n[models]\nquick = "quicker"\n'
    assert check(user_file, text).roles.chain("fast") == ("x/y", "quick")
    with pytest.raises(ConfigError, match=r"^roles\.fast: the alias quick leads to auto") as raised:
        check(user_file, text, client={"models": {"quicker": "auto:cheap"}})
    assert "[models] quick" in raised.value.hint
    round_and_round: dict[str, object] = {"models": {"quicker": "quick"}}
    assert check(user_file, text, client=round_and_round).roles.fast == ["x/y", "quick"]


# --- agents: what can be set ---------------------------------------------------------------------


def test_every_setting_of_an_agent_is_read(user_file: Path):
    text = """
        [agents.reviewer]
        model = ["sonnet-4.5", "local"]
        system = "You review code."
        providers = ["anthropic", "openrouter"]
        order = ["Anthropic"]
        local = { base_url = "http://127.0.0.1:11434/v1/" }
    """
    assert check(user_file, text).agents == {
        "reviewer": AgentSettings(
            model=["sonnet-4.5", "local"],
            system="You review code.",
            providers=["anthropic", "openrouter"],
            order=["Anthropic"],
            local=ProviderSettings(base_url="http://127.0.0.1:11434/v1"),
        )
    }


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        pytest.param("[agents.x]\nmodle = 'a'\n", "line 2: unknown key agents.x.modle", "model?", id="slip"),
        pytest.param(
            "[agents.x]\nlocal = { baseurl = 'http://h' }\n",
            "line 2: unknown key agents.x.local.baseurl",
            "base_url?",
            id="slip-in-its-server",
        ),
        pytest.param(
            "[agents.x.local]\nbase_url = 'h'\n", "agents.x.local.base_url: must be", "there", id="no-address"
        ),
        pytest.param("[agents.'a b']\n", "agents.a b: ", "", id="a-space-in-the-name"),
        pytest.param(f"[agents.{'n' * 65}]\n", "agents.nnn", "", id="a-long-name"),
        pytest.param(
            f"[agents.x]\nsystem = '{'s' * (MAX_SYSTEM_CHARS + 1)}'\n",
            "agents.x.system: String should have at most 20000",
            "agents.x.system",
            id="a-long-text",
        ),
        pytest.param(
            "".join(f"[agents.a{number}]\n" for number in range(MAX_AGENTS + 1)),
            "agents: Dictionary should have at most 32",
            "agents",
            id="many",
        ),
    ],
)
def test_what_an_agent_can_not_be_is_said(user_file: Path, text: str, words: str, hint: str):
    with pytest.raises(ConfigError) as raised:
        check(user_file, text)
    assert raised.value.message.startswith(str(user_file))
    assert words in raised.value.message
    assert hint in raised.value.hint


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param("[agents.x]\nmodel = 'a'\n", "agents", id="agents"),
        pytest.param("[roles]\nfast = 'a'\n", "roles", id="roles"),
    ],
)
def test_a_workspace_sets_neither_agents_nor_roles(
    user_file: Path, workspace_file: Path, text: str, key: str
):
    workspace_file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=f"line 1: {key} can't be set by a workspace") as raised:
        check(user_file, workspaces=(workspace_file,))
    assert "your own config.toml" in raised.value.hint


def test_a_workspace_lowers_what_one_request_may_cost_also_for_an_agent(
    user_file: Path, workspace_file: Path
):
    workspace_file.write_text("[budgets]\nrequest_usd = 0.5\n", "utf-8")
    text = "[agents.x]\nmodel = 'a'\n[budgets]\nrequest_usd = 2\n"
    config = check(user_file, text, workspaces=(workspace_file,))
    assert config.for_agent("x").budgets.request_usd == config.budgets.request_usd == Decimal("0.5")


def test_an_unknown_agent_is_told_with_those_that_are():
    with pytest.raises(InvalidParams, match=r"^there is no agent x$") as raised:
        Config().for_agent("x")
    assert raised.value.hint == "Add a table [agents.NAME] to your config.toml."
    config = Config(agents={"b": AgentSettings(), "a": AgentSettings()})
    with pytest.raises(InvalidParams) as raised:
        config.for_agent("x")
    assert raised.value.hint == "Known: a, b. Add a table [agents.NAME] to your config.toml."


# --- agents: what they change --------------------------------------------------------------------

SHARED = ProviderSettings(base_url="http://127.0.0.1:1/v1", key_env="SHARED_KEY", free=False)
OWN = ProviderSettings(base_url="http://127.0.0.1:2/v1")


def view(agent: AgentSettings, **settings: object) -> Config:
    return Config.model_validate({**settings, "agents": {"x": agent}}).for_agent("x")


def test_an_agent_that_sets_nothing_changes_nothing():
    tasks, providers = Tasks(chat="a", review="b"), {"local": SHARED}
    config = view(AgentSettings(), tasks=tasks, providers=providers)
    assert (config.tasks, config.providers, config.provider_order) == (tasks, providers, ())
    assert config.set_up == ("local",)


@pytest.mark.parametrize(
    ("agent", "chain"),
    [
        pytest.param(AgentSettings(model="m"), ("m",), id="a-model"),
        pytest.param(AgentSettings(model=["m", "n"]), ("m", "n"), id="several"),
        pytest.param(AgentSettings(local=OWN), ("local/default",), id="its-own-server"),
        pytest.param(AgentSettings(local=OWN, model="m"), ("m",), id="a-model-and-a-server"),
    ],
)
def test_an_agents_model_stands_for_every_tasks_but_completion(agent: AgentSettings, chain: tuple[str, ...]):
    config = view(agent, tasks=Tasks(chat="a", review="b", complete="c"))
    for task in Tasks.model_fields:
        assert config.tasks.chain(task) == (("c",) if task == "complete" else chain)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("local", "shared", "server"),
    [
        pytest.param(None, SHARED, SHARED, id="everybodys"),
        pytest.param(None, None, None, id="none"),
        pytest.param(OWN, None, OWN, id="its-own"),
        pytest.param(OWN, SHARED, OWN, id="its-own-without-the-others-key"),
        pytest.param(
            ProviderSettings(context_tokens=4096, base_url=None),
            SHARED,
            SHARED.model_copy(update={"context_tokens": 4096}),
            id="everybodys-adjusted",
        ),
    ],
)
def test_an_agent_uses_its_own_server_or_everybodys(
    local: ProviderSettings | None, shared: ProviderSettings | None, server: ProviderSettings | None
):
    providers = {} if shared is None else {"local": shared}
    config = view(AgentSettings(local=local), providers=providers)
    assert config.providers.get("local") == server


def test_an_agents_order_leaves_the_rest_of_openrouters_table():
    mine = ProviderSettings(order=["A"], allow_fallbacks=False)
    config = view(AgentSettings(order=["B"]), providers={"openrouter": mine})
    assert config.providers["openrouter"] == ProviderSettings(order=["B"], allow_fallbacks=False)
    assert config.set_up == ("openrouter",)


def directory_of(config: Config, keys: Path, **environment: str) -> Directory:
    return Directory(config, Keys(environment=environment, file=keys / "keys.json"), Http(), servers={})


def test_an_agents_order_alone_does_not_set_openrouter_up(tmp_path: Path):
    config = view(AgentSettings(order=["B"]))
    assert directory_of(config, tmp_path, OPENAI_API_KEY=KEY).wanted() == ("openai",)
    both = directory_of(config, tmp_path, OPENAI_API_KEY=KEY, OPENROUTER_API_KEY=KEY)
    nobodys = directory_of(Config(), tmp_path, OPENAI_API_KEY=KEY, OPENROUTER_API_KEY=KEY)
    assert both.wanted() == nobodys.wanted(), "nor does it change who is asked first"
    routing = both.endpoint("openrouter").routing
    assert routing is not None
    assert routing.order == ("B",)


def test_the_providers_of_an_agent_are_asked_first_and_the_rest_as_usual(tmp_path: Path):
    agent = AgentSettings(providers=["groq", "mine", "openai"])
    mine = {"mine": ProviderSettings(base_url="http://127.0.0.1:1/v1")}
    keys = {name: KEY for vendor in vendors().values() for name in vendor.key_env}
    usual = directory_of(Config(providers=mine), tmp_path, **keys)
    directory = directory_of(view(agent, providers=mine), tmp_path, **keys)
    for found, before in ((directory.names(), usual.names()), (directory.wanted(), usual.wanted())):
        assert found[:3] == ("groq", "mine", "openai")
        assert found[3:] == tuple(name for name in before if name not in found[:3])


# --- agents: where keys go -----------------------------------------------------------------------

USERS = """
[providers.local]
base_url = "http://everybodys.test/v1"
key_env = "EVERYBODYS"
[agents.plain]
model = "local/m"
[agents.served]
local = { base_url = "http://agents.test/v1", key_env = "AGENTS" }
[agents.keyless]
local = { base_url = "http://keyless.test/v1" }
[agents.adjusted]
local = { context_tokens = 4096 }
[agents.neighbour]
local = { base_url = "http://everybodys.test/other/v1" }
"""


def key_of(
    tmp_path: Path, agent: str, client: Mapping[str, object] | None = None, text: str = USERS
) -> tuple[str, str] | None:
    """Return the key that an agent's local server gets, and where; None if it gets none."""
    config = check(tmp_path / "config.toml", text, client=dict(client or {})).for_agent(agent)
    stored = Keys(environment={}, file=tmp_path / "keys.json")
    stored.store("local", "stored-0123456789")
    keys = {"EVERYBODYS": "everybodys-0123456789", "AGENTS": "agents-0123456789"}
    try:
        credential = directory_of(config, tmp_path, **keys).endpoint("local").credential
    except MissingKey:
        return None
    return (credential.secret.reveal(), credential.origin) if credential is not None else None


EVERYBODYS = ("everybodys-0123456789", "http://everybodys.test:80")
EVIL = "http://evil.test/v1"


@pytest.mark.parametrize(
    ("agent", "key"),
    [
        pytest.param("plain", EVERYBODYS, id="everybodys-server"),
        pytest.param("adjusted", EVERYBODYS, id="everybodys-server-adjusted"),
        pytest.param("served", ("agents-0123456789", "http://agents.test:80"), id="a-key-that-it-names"),
        pytest.param("keyless", None, id="everybodys-key-goes-to-no-other-server"),
        pytest.param("neighbour", ("stored-0123456789", "http://everybodys.test:80"), id="the-same-origin"),
    ],
)
def test_a_server_of_an_agents_own_gets_the_key_that_is_meant_for_it(
    tmp_path: Path, agent: str, key: tuple[str, str] | None
):
    assert key_of(tmp_path, agent) == key
    assert key_of(tmp_path, agent, {"strategy": "cheap"}) == key


def local_at(base_url: str | None) -> dict[str, object]:
    return {"local": {"base_url": base_url}}


@pytest.mark.parametrize(
    ("agent", "client"),
    [
        pytest.param("plain", {"agents": {"plain": local_at(EVIL)}}, id="a-server-for-an-agent"),
        pytest.param("served", {"agents": {"served": local_at(EVIL)}}, id="another-address"),
        pytest.param("served", {"agents": {"served": local_at(None)}}, id="the-address-taken-away"),
        pytest.param("adjusted", {"agents": {"adjusted": local_at(EVIL)}}, id="an-address-where-none-was"),
        pytest.param("keyless", {"agents": {"keyless": local_at(EVIL)}}, id="of-one-without-a-key"),
        pytest.param("new", {"agents": {"new": local_at(EVIL)}}, id="a-new-agent"),
        pytest.param("plain", {"providers": local_at(EVIL)}, id="everybodys-moved"),
        pytest.param("adjusted", {"providers": local_at(EVIL)}, id="everybodys-moved-below-an-adjusted-one"),
    ],
)
def test_no_key_of_the_users_goes_where_only_the_client_leads_an_agent(
    tmp_path: Path, agent: str, client: dict[str, object]
):
    assert key_of(tmp_path, agent, client) is None


def test_a_key_that_an_agent_names_stays_with_its_server_when_everybodys_moves(tmp_path: Path):
    assert key_of(tmp_path, "served", {"providers": local_at(EVIL)}) == key_of(tmp_path, "served")


def test_a_client_may_name_an_agents_address_that_is_the_users_own(tmp_path: Path):
    client = {"agents": {"served": local_at("http://agents.test/v1")}}
    assert key_of(tmp_path, "served", client) == key_of(tmp_path, "served")


@pytest.mark.parametrize("value", ["OPENAI_API_KEY", None])
def test_a_client_does_not_choose_which_variable_is_an_agents_key(user_file: Path, value: str | None):
    with pytest.raises(ConfigError) as raised:
        check(user_file, client={"agents": {"x": {"local": {"key_env": value}}}})
    assert raised.value.message == (
        "the client's settings: agents.x.local.key_env can only be set in your own config.toml"
    )
    assert "[agents.x.local]" in raised.value.hint


def test_local_only_mode_holds_for_an_agents_server(tmp_path: Path):
    config = check(tmp_path / "config.toml", "[privacy]\nlocal_only = true\n" + USERS)
    assert directory_of(config.for_agent("served"), tmp_path).state("local") == "notLocal"
