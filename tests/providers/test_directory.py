"""All providers of one user: what the table says, what the settings change, what is missing."""

import dataclasses
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.config import Config, load
from farebox.errors import ConfigError, InvalidParams, LocalOnly, MissingKey, ModelNotFound
from farebox.messages import Target
from farebox.providers.base import Quirks, RoutingPreferences
from farebox.providers.directory import DEFAULT_MODEL, Directory
from farebox.providers.http import Http
from farebox.providers.llamacpp import LlamaCpp
from farebox.providers.openai import OpenAI
from farebox.providers.vendors import vendors
from farebox.secrets import BadKey, Keys, origin_of
from support.upstream import Upstream, json_answer

KEY = "test-0123456789"
ALL_KEYS = {variable: KEY for vendor in vendors().values() for variable in vendor.key_env}
LOCAL = {"ollama", "llamacpp", "lmstudio", "vllm"}


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        server.answer("/v1/models", json_answer({"data": [{"id": "qwen"}]}))
        yield server


def check(
    http: Http | None = None,
    *,
    settings: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Directory:
    """Make a directory of the given settings and variables."""
    keys = Keys(environment=environment or {}, file=Path("/nonexistent/keys.json"))
    return Directory(Config.model_validate(settings or {}), keys, http or Http(), servers={})


@pytest.mark.parametrize("name", ["local", "lmstudio", "vllm", "llamacpp", "together", "mine"])
def test_a_server_of_no_known_vendor_is_asked_as_openai_once_was(name: str):
    settings = {"providers": {name: {"base_url": "http://127.0.0.1:1/v1"}}}
    quirks = check(settings=settings, environment=ALL_KEYS).endpoint(name).quirks
    assert dataclasses.replace(quirks, efforts=()) == Quirks()


def test_every_provider_that_needs_no_address_is_described():
    environment = {variable: KEY for vendor in vendors().values() for variable in vendor.key_env}
    directory = check(environment=environment)
    for name in vendors().keys() - {"local"}:
        assert directory.endpoint(name).provider == name
        assert directory.state(name) == "ready"


# --- states and keys ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "settings", "environment", "expected"),
    [
        pytest.param("openrouter", {}, {"OPENROUTER_API_KEY": KEY}, "ready", id="a key"),
        pytest.param("openrouter", {}, {}, "missingKey", id="no key"),
        pytest.param("openrouter", {}, {"OPENROUTER_API_KEY": ""}, "missingKey", id="an empty key"),
        pytest.param("google", {}, {"GOOGLE_API_KEY": KEY}, "ready", id="the second variable"),
        pytest.param("local", {}, {}, "noAddress", id="no address"),
        pytest.param(
            "local",
            {"providers": {"local": {"base_url": "http://127.0.0.1:1/v1"}}},
            {},
            "ready",
            id="an address",
        ),
        pytest.param("ollama", {}, {}, "ready", id="a local server needs no key"),
        pytest.param(
            "openrouter",
            {"privacy": {"local_only": True}},
            {"OPENROUTER_API_KEY": KEY},
            "notLocal",
            id="local-only, elsewhere",
        ),
        pytest.param("ollama", {"privacy": {"local_only": True}}, {}, "ready", id="local-only, here"),
        pytest.param(
            "mine",
            {"providers": {"mine": {"base_url": "http://127.0.0.1:1/v1", "key_env": "MINE"}}},
            {},
            "missingKey",
            id="own server, key missing",
        ),
        pytest.param(
            "mine",
            {"providers": {"mine": {"base_url": "http://127.0.0.1:1/v1"}}},
            {},
            "ready",
            id="own server, no key",
        ),
        pytest.param("mine", {"providers": {"mine": {}}}, {}, "noAddress", id="own server, no address"),
    ],
)
def test_the_state_of_a_provider_is(
    name: str, settings: Mapping[str, object], environment: Mapping[str, str], expected: str
):
    assert check(settings=settings, environment=environment).state(name) == expected


def test_a_missing_key_names_the_variable_and_the_command():
    with pytest.raises(MissingKey) as caught:
        check().endpoint("openrouter")
    assert "OPENROUTER_API_KEY" in caught.value.hint
    assert "farebox auth login openrouter" in caught.value.hint


def test_a_missing_address_names_the_setting():
    with pytest.raises(ConfigError) as caught:
        check().endpoint("local")
    assert "FAREBOX_LOCAL_BASE_URL" in caught.value.hint
    with pytest.raises(ConfigError) as caught:
        check(settings={"providers": {"mine": {}}}).endpoint("mine")
    assert "[providers.mine]" in caught.value.hint


def test_an_unknown_provider_names_the_known():
    with pytest.raises(ModelNotFound) as caught:
        check().endpoint("nobody")
    assert "openrouter" in caught.value.hint


def test_wanted_are_those_with_a_key_or_a_table_of_their_own():
    settings = {"providers": {"ollama": {}, "mine": {"base_url": "http://127.0.0.1:1/v1"}}}
    directory = check(settings=settings, environment={"GROQ_API_KEY": KEY})
    assert set(directory.wanted()) == {"ollama", "mine", "groq"}
    assert set(directory.names()) == {*vendors(), "mine"}


@pytest.mark.parametrize(
    ("environment", "kept"),
    [
        pytest.param({"GOOGLE_API_KEY": "a b"}, {}, id="in-the-environment"),
        pytest.param({}, {"google": "a b"}, id="in-the-file"),
    ],
)
def test_a_malformed_key_concerns_its_own_provider_alone(
    tmp_path: Path, environment: Mapping[str, str], kept: Mapping[str, str]
):
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(kept), "utf-8")
    file.chmod(0o600)
    settings = Config.model_validate({"providers": {"ollama": {}}})
    keys = Keys(environment={**environment, "GROQ_API_KEY": KEY}, file=file)
    directory = Directory(settings, keys, Http(), servers={})
    assert (directory.state("google"), "google" in directory.wanted()) == ("badKey", True)
    assert directory.state("ollama") == directory.state("groq") == "ready"
    with pytest.raises(BadKey, match="malformed"):
        directory.endpoint("google")


# --- endpoints ---------------------------------------------------------------------------------


def test_a_key_is_bound_to_the_origin_of_the_vendors_address():
    endpoint = check(environment={"OPENROUTER_API_KEY": KEY}).endpoint("openrouter")
    assert endpoint.credential is not None
    assert endpoint.credential.origin == "https://openrouter.ai:443"
    assert KEY not in repr(endpoint)


def test_a_key_follows_the_address_that_the_user_sets():
    settings = {"providers": {"openrouter": {"base_url": "http://127.0.0.1:4000/api/v1"}}}
    endpoint = check(settings=settings, environment={"OPENROUTER_API_KEY": KEY}).endpoint("openrouter")
    assert endpoint.credential is not None
    assert endpoint.credential.origin == "http://127.0.0.1:4000"


def check_client(
    tmp_path: Path, text: str, client: Mapping[str, object], *, remembered_for: str | None = None
) -> Directory:
    """Make a directory whose settings come from a file of the user's and from the client.

    ``remembered_for`` is the origin for which the client has set keys.
    """
    (tmp_path / "config.toml").write_text(text, "utf-8")
    settings = load(environment={}, user_file=tmp_path / "config.toml", client_settings=client)
    keys = Keys(
        environment={"OPENROUTER_API_KEY": KEY, "MINE": KEY, "OPENAI_API_KEY": KEY},
        file=tmp_path / "keys.json",
    )
    if remembered_for is not None:
        for name in ("openrouter", "mine"):
            keys.remember(name, "from-the-client", remembered_for)
    return Directory(settings, keys, Http(), servers={})


MINE = '[providers.mine]\nkey_env = "MINE"\n'


@pytest.mark.parametrize(
    ("name", "text", "base_url"),
    [
        pytest.param("openrouter", "", "http://evil.test/v1", id="elsewhere"),
        pytest.param("openrouter", "", "https://openrouter.ai:8443/api/v1", id="another-port"),
        pytest.param("openrouter", "", "http://openrouter.ai/api/v1", id="another-scheme"),
        pytest.param("mine", MINE, "http://evil.test/v1", id="own-provider-without-an-address"),
        pytest.param("mine", f'{MINE}base_url = "http://own.test/v1"', "http://evil.test/v1", id="own"),
        pytest.param(
            "openrouter",
            '[providers.openrouter]\nbase_url = "http://own.test/v1"',
            None,
            id="the-vendors-address-again",
        ),
    ],
)
def test_a_key_of_the_users_does_not_go_where_only_the_client_leads(
    tmp_path: Path, name: str, text: str, base_url: str | None
):
    client = {"providers": {name: {"base_url": base_url}}}
    directory = check_client(tmp_path, text, client)
    assert (directory.state(name), directory.key(name)) == ("missingKey", None)
    with pytest.raises(MissingKey) as caught:
        directory.endpoint(name)
    assert f"base_url of [providers.{name}] in your own config.toml" in caught.value.hint
    in_use = directory.origin(name)
    assert in_use is not None
    endpoint = check_client(tmp_path, text, client, remembered_for=in_use).endpoint(name)
    assert endpoint.credential is not None
    assert endpoint.credential.secret.reveal() == "from-the-client"
    assert endpoint.credential.origin == origin_of(endpoint.base_url) == in_use
    directory = check_client(tmp_path, text, client, remembered_for="https://before.test:443")
    assert (directory.state(name), directory.key(name)) == ("missingKey", None)
    with pytest.raises(MissingKey) as caught:
        directory.endpoint(name)
    assert f"was meant for https://before.test:443, not for {in_use}" in caught.value.hint


def app_of(tmp_path: Path, text: str = "") -> App:
    (tmp_path / "config.toml").write_text(text, "utf-8")
    folders = {"FAREBOX_HOME": str(tmp_path / "home"), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
    return App(Client("editor"), environment=folders)


def lead(app: App, **addresses: str) -> None:
    """Change the client's settings as an editor does while farebox runs."""
    settings = {"providers": {name: {"base_url": address} for name, address in addresses.items()}}
    app.change_client(Client("editor", settings=settings))


def client_key(app: App, name: str) -> tuple[str, str] | None:
    """Return the key that would be sent now, and where to."""
    try:
        credential = app.door().directory.endpoint(name).credential
    except MissingKey:
        return None
    return (credential.secret.reveal(), credential.origin) if credential is not None else None


async def test_a_key_that_the_client_has_set_does_not_follow_its_later_settings(tmp_path: Path):
    app = app_of(tmp_path)
    app.set_key("openrouter", KEY)
    assert client_key(app, "openrouter") == (KEY, "https://openrouter.ai:443")
    lead(app, openrouter="http://evil.test/v1")
    assert client_key(app, "openrouter") is None
    lead(app)
    assert client_key(app, "openrouter") == (KEY, "https://openrouter.ai:443")
    await app.close()


async def test_a_key_that_the_client_sets_after_the_address_goes_there(tmp_path: Path):
    app = app_of(tmp_path)
    app.set_key("openrouter", "for-the-vendor")
    lead(app, openrouter="http://127.0.0.1:4000/v1")
    app.set_key("openrouter", KEY)
    assert client_key(app, "openrouter") == (KEY, "http://127.0.0.1:4000")
    app.set_key("openrouter", None)
    assert client_key(app, "openrouter") is None
    await app.close()


async def test_a_key_for_a_provider_without_an_address_waits_until_it_has_one(tmp_path: Path):
    app = app_of(tmp_path, MINE)
    with pytest.raises(InvalidParams, match="nowhere its key may go") as caught:
        app.set_key("mine", KEY)
    assert "Set base_url of providers.mine first" in caught.value.hint
    app.set_key("mine", None)
    lead(app, mine="http://mine.test/v1")
    assert client_key(app, "mine") is None
    app.set_key("mine", KEY)
    assert client_key(app, "mine") == (KEY, "http://mine.test:80")
    await app.close()


def test_a_client_may_lead_to_a_server_that_needs_no_key(tmp_path: Path):
    client = {"providers": {"simulated": {"base_url": "http://127.0.0.1:9/v1"}}}
    directory = check_client(tmp_path, "", client)
    assert directory.state("simulated") == "ready"
    assert directory.endpoint("simulated").credential is None
    assert directory.state("openrouter") == "ready", "other providers keep their keys"


def test_a_client_that_names_the_users_own_address_takes_nothing_away(tmp_path: Path):
    own = '[providers.openrouter]\nbase_url = "http://own.test/v1"'
    client = {"providers": {"openrouter": {"base_url": "http://own.test/other"}}}
    endpoint = check_client(tmp_path, own, client).endpoint("openrouter")
    assert endpoint.credential is not None
    assert endpoint.credential.origin == "http://own.test:80"


def test_openrouter_gets_the_users_preferences():
    mine = {"order": ["Anthropic", "Google"], "ignore": ["X"], "allow_fallbacks": False, "sort": "price"}
    directory = check(settings={"providers": {"openrouter": mine}}, environment={"OPENROUTER_API_KEY": KEY})
    assert directory.endpoint("openrouter").routing == RoutingPreferences(
        order=("Anthropic", "Google"), ignore=("X",), allow_fallbacks=False, sort="price"
    )


def test_another_vendor_gets_no_preferences():
    directory = check(settings={"providers": {"groq": {"order": ["A"]}}}, environment={"GROQ_API_KEY": KEY})
    assert directory.endpoint("groq").routing is None


def test_settings_change_only_what_they_name():
    directory = check(environment={"MISTRAL_API_KEY": KEY})
    changed = check(
        settings={"providers": {"mistral": {"free": True, "fill": "chat"}}},
        environment={"MISTRAL_API_KEY": KEY},
    )
    plain, other = directory.endpoint("mistral"), changed.endpoint("mistral")
    assert (plain.fill, plain.fill_path, plain.free) == ("suffix", "/fim/completions", False)
    assert dataclasses.replace(other, credential=None) == dataclasses.replace(
        plain, credential=None, free=True, fill="chat"
    )


async def test_local_only_is_carried_to_the_socket(http: Http):
    settings = {"privacy": {"local_only": True}}
    directory = check(http, settings=settings, environment={"OPENROUTER_API_KEY": KEY})
    assert directory.endpoint("openrouter").loopback_only
    with pytest.raises(LocalOnly):
        await directory.check("openrouter")


# --- opening -----------------------------------------------------------------------------------


def local_at(base_url: str, **fields: object) -> dict[str, object]:
    return {"providers": {"local": {"base_url": base_url, **fields}}}


async def test_a_local_server_is_asked_once_what_it_is(http: Http, upstream: Upstream):
    upstream.answer("/props", json_answer({"default_generation_settings": {}}))
    directory = check(http, settings=local_at(upstream.origin))
    for _ in range(2):
        opened = await directory.open(Target("local", DEFAULT_MODEL))
        assert (opened.model, opened.endpoint.fill, opened.endpoint.free) == ("qwen", "infill", True)
        assert opened.endpoint.base_url == upstream.base_url
        assert isinstance(opened.provider, LlamaCpp)
    assert [request.path for request in upstream.requests] == ["/v1/models", "/props"]


async def test_a_server_that_failed_is_asked_anew(http: Http, upstream: Upstream):
    directory = check(http, settings=local_at(upstream.base_url))
    await directory.open(Target("local", "qwen"))
    directory.forget("local")
    directory.forget("local")
    assert isinstance((await directory.open(Target("local", "qwen"))).provider, OpenAI)
    assert [request.path for request in upstream.requests].count("/v1/models") == 2


async def test_the_users_fill_wins_over_what_the_server_is(http: Http, upstream: Upstream):
    directory = check(http, settings=local_at(upstream.base_url, fill="chat"))
    assert (await directory.open(Target("local", "qwen"))).endpoint.fill == "chat"


async def test_a_vendor_is_opened_without_asking_anything(http: Http, upstream: Upstream):
    settings = {"providers": {"openrouter": {"base_url": upstream.base_url}}}
    directory = check(http, settings=settings, environment={"OPENROUTER_API_KEY": KEY})
    opened = await directory.open(Target("openrouter", "a/b"))
    assert (opened.model, upstream.connections) == ("a/b", 0)


async def test_check_asks_the_vendors_cheap_address_with_the_key(http: Http, upstream: Upstream):
    upstream.answer("/v1/key", json_answer({"data": {}}))
    settings = {"providers": {"openrouter": {"base_url": upstream.base_url}}}
    await check(http, settings=settings, environment={"OPENROUTER_API_KEY": KEY}).check("openrouter")
    assert upstream.requests[0].path == "/v1/key"
    assert upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_served_models_are_those_of_the_server(http: Http, upstream: Upstream):
    assert await check(http, settings=local_at(upstream.base_url)).served_models("local") == ("qwen",)
