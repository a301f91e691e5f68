"""What the user has set, merged from four layers into one frozen Config.

From weak to strong: environment, the user's ``config.toml``, the client's settings; and last a
workspace's ``.farebox.toml``, which can only tighten: lower a budget, exclude more, force local,
switch completion off. It has a schema of its own, so that a setting which could send anything
anywhere does not exist there. Every error names the file, the key and the line. No key (credential)
is ever a setting.
"""

import difflib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias, TypeVar, cast, get_args, get_origin

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError

from farebox import patterns
from farebox.agent_settings import MAX_AGENTS, NO_AGENT, AgentName, AgentSettings, ModelName, Roles, Tasks
from farebox.budget_settings import Budgets, WorkspaceBudgets
from farebox.completion_settings import CompletionSettings, WorkspaceCompletion
from farebox.errors import ConfigError, InvalidParams
from farebox.messages import Strategy
from farebox.otel_settings import OtelSettings
from farebox.places import WORKSPACE_FILE
from farebox.provider_settings import FillStyle, ProviderSettings, Section
from farebox.settings_file import Layer, TomlTable, line_of, read_file

__all__ = ["WORKSPACE_FILE", "FillStyle", "ModelName", "Section", "Tasks"]  # others know them from here


def _excludes_more(pattern: str) -> str:
    """Refuse a negation: it would let out what the user keeps in."""
    if pattern.lstrip().startswith("!"):
        raise ValueError("a workspace can only exclude more, so no pattern may begin with !")
    return pattern


def _only(tight: bool) -> AfterValidator:
    """Refuse the value of a switch that would loosen what the user has set."""

    def check(value: bool | None) -> bool | None:
        if value is not None and value != tight:
            raise ValueError(f"a workspace can only set it to {str(tight).lower()}")
        return value

    return AfterValidator(check)


def _bounded(exclude: list[str]) -> list[str]:
    """Refuse patterns that are malformed, or that could keep the event loop busy."""
    patterns.check(exclude)
    return exclude


SectionT = TypeVar("SectionT", bound=Section)

SecretsPolicy: TypeAlias = Literal["send", "mask", "block"]
_STRICTNESS: Final[tuple[SecretsPolicy, ...]] = ("send", "mask", "block")


class Privacy(Section):
    """What may leave the machine. ``exclude`` holds patterns in gitignore's syntax.

    ``gitignore``: what git ignores stays here, by .gitignore files and git's other lists.
    ``secrets`` says what becomes of what looks like one.
    ``fetch_models``: OpenRouter may be asked, once a day, for its list of models and prices.
    """

    local_only: bool = False
    fetch_models: bool = True
    gitignore: bool = True
    secrets: SecretsPolicy = "mask"
    exclude: Annotated[list[str], AfterValidator(_bounded)] = Field(default_factory=list[str])


class Config(Section):
    """All settings of one user in one workspace, or what they are for one agent."""

    strategy: Strategy = "balanced"
    tasks: Tasks = Tasks()
    roles: Roles = Roles()
    models: dict[str, ModelName] = Field(default_factory=dict[str, str])
    providers: dict[str, ProviderSettings] = Field(default_factory=dict[str, ProviderSettings])
    agents: Annotated[dict[AgentName, AgentSettings], Field(max_length=MAX_AGENTS)] = Field(
        default_factory=dict[str, AgentSettings]
    )
    budgets: Budgets = Budgets()
    privacy: Privacy = Privacy()
    completion: CompletionSettings = CompletionSettings()
    otel: OtelSettings = OtelSettings()
    _client_addresses: Mapping[str, str | None] = PrivateAttr(default_factory=dict[str, str | None])
    _own_servers: Mapping[str, str | None] = PrivateAttr(default_factory=dict[str, str | None])
    _agent: AgentSettings = PrivateAttr(default=NO_AGENT)
    _set_up: tuple[str, ...] | None = PrivateAttr(default=None)

    @property
    def client_addresses(self) -> Mapping[str, str | None]:
        """Providers whose base_url the client has changed, and what it is in the user's own settings.

        For an agent, the server of its own counts as such, unless the user names a key for it.
        """
        return self._client_addresses

    @property
    def agent(self) -> AgentSettings:
        """Whose view of the settings this is; an empty one if it is nobody's."""
        return self._agent

    @property
    def provider_order(self) -> tuple[str, ...]:
        """Who is asked first where several sell a model."""
        return tuple(self._agent.providers)

    @property
    def set_up(self) -> tuple[str, ...]:
        """The providers that have a table: one that only holds an agent's ``order`` sets nothing up."""
        return tuple(self.providers) if self._set_up is None else self._set_up

    def over(self, own: "Config") -> "Config":
        """Remember which addresses differ from those of the user's own settings."""
        addresses: dict[str, str | None] = {}
        for name, settings in self.providers.items():
            before = own.providers.get(name, ProviderSettings()).base_url
            if settings.base_url != before:
                addresses[name] = before
        config = self.model_copy()
        config._client_addresses = addresses
        config._own_servers = {name: own._server_of(name) for name in self.agents}
        return config

    def _server_of(self, agent: str) -> str | None:
        """Return the address of the local server that an agent uses."""
        server = self.agents.get(agent, NO_AGENT).server(self.providers.get("local"))
        return server.base_url if server is not None else None

    def for_agent(self, name: str) -> "Config":
        """Return the settings as they are for an agent. Raises InvalidParams if there is no such agent.

        Its models stand for those of every task but tab completion, which stays as it is.
        """
        agent = self.agents.get(name)
        if agent is None:
            known = f"Known: {', '.join(sorted(self.agents))}. " if self.agents else ""
            raise InvalidParams(
                f"there is no agent {name}", hint=f"{known}Add a table [agents.NAME] to your config.toml."
            )
        tasks, providers, addresses = self.tasks, dict(self.providers), dict(self._client_addresses)
        if agent.chain:
            tasks = Tasks(chat=list(agent.chain), complete=tasks.complete)
        if agent.local is not None and (server := agent.server(providers.get("local"))) is not None:
            providers["local"] = server
            addresses["local"] = self._home_of_its_key(name, agent.local)
        set_up = tuple(providers)
        if agent.order is not None:
            openrouter = providers.get("openrouter", ProviderSettings())
            providers["openrouter"] = openrouter.model_copy(update={"order": agent.order})
        config = self.model_copy(update={"tasks": tasks, "providers": providers})
        config._client_addresses, config._agent, config._set_up = addresses, agent, set_up
        return config

    def _home_of_its_key(self, name: str, local: ProviderSettings) -> str | None:
        """Return the address in the user's own settings that the key for an agent's server belongs to.

        A key that the agent's table names is for the agent's server; any other one for everybody's.
        """
        if local.key_env is not None:
            return self._own_servers[name] if name in self._own_servers else self._server_of(name)
        shared = self.providers.get("local", ProviderSettings()).base_url
        return self._client_addresses.get("local", shared)


class WorkspacePrivacy(Section):
    """A workspace may force local-only mode, exclude more and let fewer secrets go."""

    local_only: Annotated[bool | None, _only(True)] = None
    gitignore: Annotated[bool | None, _only(True)] = None
    secrets: Literal["mask", "block"] | None = None
    exclude: Annotated[list[Annotated[str, AfterValidator(_excludes_more)]], AfterValidator(_bounded)] = (
        Field(default_factory=list[str])
    )


class WorkspaceConfig(Section):
    """All that a ``.farebox.toml`` may say."""

    budgets: WorkspaceBudgets = WorkspaceBudgets()
    privacy: WorkspacePrivacy = WorkspacePrivacy()
    completion: WorkspaceCompletion = WorkspaceCompletion()

    def among(self, providers: Collection[str]) -> "WorkspaceConfig":
        """Leave out the budgets of providers that are none here: a colleague may have them."""
        kept = {name: table for name, table in self.budgets.providers.items() if name in providers}
        return self.model_copy(update={"budgets": self.budgets.model_copy(update={"providers": kept})})


def load(
    *,
    environment: Mapping[str, str],
    user_file: Path,
    client_settings: Mapping[str, object] | None = None,
    workspace_files: Iterable[Path] = (),
    vendors: Collection[str] | None = None,
) -> Config:
    """Merge all layers. Raises ConfigError for the first setting that is wrong.

    ``vendors`` are the providers that need no table: None where it does not matter who is one.
    """
    merged: TomlTable = {}
    layers = [_environment_layer(environment), read_file(user_file)]
    for layer in layers:
        _validate(Config, layer)
        merged = _merge(merged, layer.table)
    config = own = _validate(Config, Layer("the merged settings", merged))
    if client_settings:
        layer = Layer("the client's settings", dict(client_settings))
        _refuse_what_is_the_users(layer, _validate(Config, layer))
        merged = _merge(merged, layer.table)
        config = _validate(Config, Layer("the merged settings", merged)).over(own)
        layers.append(layer)
    config.roles.check(config.models)
    known = None if vendors is None else tuple(dict.fromkeys((*config.providers, *vendors)))
    if known is not None:
        for layer in layers:
            _refuse_unknown_providers(layer, known)
    for file in workspace_files:
        workspace = _validate(WorkspaceConfig, read_file(file))
        config = tighten(config, workspace if known is None else workspace.among(known))
        _refuse_too_many(config, file)
    return config


def _refuse_unknown_providers(layer: Layer, known: Collection[str]) -> None:
    """Refuse an agent, or a budget, that names a provider which is none: it would silently do nothing."""
    settings = _validate(Config, layer)
    named = [(("budgets", "providers", name), name) for name in settings.budgets.providers]
    for agent, its in settings.agents.items():
        named += [(("agents", agent, "providers"), name) for name in its.providers]
    for key, name in named:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise ConfigError(
                f"{_place(layer, key)}: {'.'.join(key)}: there is no provider {name}",
                hint=f"Did you mean {close[0]}?" if close else f"Known: {', '.join(known)}.",
            )


def _refuse_too_many(config: Config, file: Path) -> None:
    """Bound all patterns together: each file may hold few, and there may be many files."""
    try:
        patterns.check(config.privacy.exclude)
    except ValueError as exc:
        raise ConfigError(
            f"{file}: privacy.exclude: together with your own and other workspaces' patterns {exc}",
            hint="Use fewer or simpler patterns there.",
        ) from None


def _refuse_what_is_the_users(layer: Layer, settings: Config) -> None:
    """Keep a client from choosing which of the user's variables is a key, and who is told of usage."""
    if "otel" in settings.model_fields_set:
        raise ConfigError(
            f"{layer.name}: otel can only be set in your own config.toml", hint="Move [otel] there."
        )
    tables = {f"providers.{name}": provider for name, provider in settings.providers.items()}
    for name, agent in settings.agents.items():
        if agent.local is not None:
            tables[f"agents.{name}.local"] = agent.local
    for table, provider in tables.items():
        if "key_env" in provider.model_fields_set:
            raise ConfigError(
                f"{layer.name}: {table}.key_env can only be set in your own config.toml",
                hint=f"Move key_env to [{table}] there.",
            )


def tighten(config: Config, workspace: WorkspaceConfig) -> Config:
    """Apply a workspace's file: the result is never looser than ``config``."""
    return config.model_copy(
        update={
            "budgets": config.budgets.tightened(workspace.budgets),
            "privacy": config.privacy.model_copy(
                update={
                    "local_only": config.privacy.local_only or workspace.privacy.local_only is True,
                    "exclude": [*config.privacy.exclude, *workspace.privacy.exclude],
                    "gitignore": config.privacy.gitignore or workspace.privacy.gitignore is True,
                    "secrets": _stricter(config.privacy.secrets, workspace.privacy.secrets),
                }
            ),
            "completion": config.completion.tightened(workspace.completion),
        }
    )


def _stricter(one: SecretsPolicy, other: SecretsPolicy | None) -> SecretsPolicy:
    return one if other is None else _STRICTNESS[max(map(_STRICTNESS.index, (one, other)))]


def _environment_layer(environment: Mapping[str, str]) -> Layer:
    local = environment.get("FAREBOX_LOCAL_BASE_URL")
    table: TomlTable = {"providers": {"local": {"base_url": local}}} if local else {}
    if environment.get("FAREBOX_FETCH_MODELS", "").lower() in ("0", "off", "no", "false"):
        table["privacy"] = {"fetch_models": False}
    return Layer("the environment (FAREBOX_LOCAL_BASE_URL)", table)


def _merge(below: TomlTable, above: Mapping[str, object]) -> TomlTable:
    """Lay one table over another, table by table."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, Mapping):
            merged[key] = _merge(cast("TomlTable", old), cast("Mapping[str, object]", value))
        else:
            merged[key] = value
    return merged


def _validate(schema: type[SectionT], layer: Layer) -> SectionT:
    try:
        return schema.model_validate(layer.table)
    except ValidationError as exc:
        raise _config_error(schema, layer, exc) from None


def _config_error(schema: type[Section], layer: Layer, error: ValidationError) -> ConfigError:
    """Turn pydantic's first complaint into one sentence that names file, line and key."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    first = problems[0]
    path = tuple(str(part) for part in first["loc"])
    key = _key_path(layer.table, path)
    where = _place(layer, key)
    # A value that fits no branch of a union is a problem for each of them.
    keys = {_key_path(layer.table, tuple(str(part) for part in problem["loc"])) for problem in problems}
    more = f" (and {len(keys) - 1} more)" if len(keys) > 1 else ""
    dotted = ".".join(key)
    if first["type"] != "extra_forbidden":
        problem = first["msg"].removeprefix("Value error, ")
        return ConfigError(f"{where}: {dotted}: {problem}{more}", hint=f"Correct {dotted} there.")
    known = _keys_at(schema, key[:-1])
    if schema is WorkspaceConfig and key[-1] not in known and key[-1] in _keys_at(Config, key[:-1]):
        return ConfigError(
            f"{where}: {dotted} can't be set by a workspace{more}",
            hint="A workspace file can only tighten budgets, privacy and completion. "
            "Set this in your own config.toml.",
        )
    close = difflib.get_close_matches(key[-1], known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Known keys there: {', '.join(sorted(known))}."
    return ConfigError(f"{where}: unknown key {dotted}{more}", hint=hint)


def _place(layer: Layer, key: tuple[str, ...]) -> str:
    """Name the file, and the line if there is one, of a key."""
    line = line_of(layer.text, key) if layer.text is not None else None
    return layer.name if line is None else f"{layer.name}, line {line}"


def _key_path(table: TomlTable, path: tuple[str, ...]) -> tuple[str, ...]:
    """Keep what of pydantic's location is a key in the file (it also names union branches)."""
    keys: list[str] = []
    level: object = table
    for part in path:
        if not isinstance(level, Mapping) or part not in level:
            break
        keys.append(part)
        level = cast("Mapping[str, object]", level)[part]
    return tuple(keys) or path


def _keys_at(schema: type[Section], path: tuple[str, ...]) -> list[str]:
    """Return the keys that a table of the schema may have."""
    level: type[Section] = schema
    parts = iter(path)
    for part in parts:
        field = level.model_fields.get(part)
        below = _section_in(field.annotation) if field is not None else None
        if field is None or below is None:
            return []
        if get_origin(field.annotation) is dict:
            next(parts, None)  # a name of the user's own
        level = below
    return list(level.model_fields)


def _section_in(annotation: object) -> type[Section] | None:
    """Return the table that a setting may be, if it may be one."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None
