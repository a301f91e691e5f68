"""The one place where parts are wired together: settings, keys, ledger, providers, door, rooms.

An App is one user's farebox for one client. It reads the settings anew when a file has changed, so that
a corrected config works with the next request, and a broken one stops requests until it is corrected:
running on with defaults could send what the user had forbidden.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from farebox import catalog, config, costs, doctor
from farebox.budget_settings import Budgets, real_folder
from farebox.catalog import Catalog
from farebox.chat.conversation import Conversations
from farebox.completion.library import Library, Shelves
from farebox.completion.library import warm_up as warm_up_completion
from farebox.completion.probe import probe
from farebox.config import WORKSPACE_FILE, Config, Privacy
from farebox.diary import Diary
from farebox.errors import ConfigError, FareboxError, InvalidParams
from farebox.ledger.limits import Limit, limits_from, local, unix_ms
from farebox.ledger.queries import Query
from farebox.ledger.records import Settlement, Shown
from farebox.ledger.store import Ledger
from farebox.messages import Task
from farebox.otel.telemetry import Telemetry
from farebox.places import config_file, data_folder, ledger_file
from farebox.privacy import rules_from
from farebox.provider_settings import ROUTING_SETTINGS
from farebox.providers.directory import Directory
from farebox.providers.http import Http
from farebox.providers.listing_file import NO_LISTING, Listing, ListingFile
from farebox.providers.local import LocalServer
from farebox.providers.vendors import vendors
from farebox.router import guard
from farebox.router.correction import Corrector
from farebox.router.door import Door
from farebox.router.health import Health
from farebox.router.listed import broker, is_at_home, with_listed
from farebox.router.menu import Menus
from farebox.router.plan import Planner
from farebox.router.pricing import Pricing
from farebox.router.purse import Spending, spending
from farebox.router.replay import POLICIES, Policy, Replay, replay
from farebox.router.request import Origin
from farebox.router.retry import RetryBudget
from farebox.secrets import Keys


@dataclass(frozen=True, slots=True)
class Client:
    """Who uses farebox: an editor or the command line, with its settings and workspace folders.

    ``workspaces`` are these folders without links, as the ledger and the budgets name them.
    """

    name: str
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    roots: tuple[str, ...] = ()
    trusted: bool = True
    workspaces: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Follow the links once, not with each request."""
        object.__setattr__(self, "workspaces", tuple(map(real_folder, self.roots)))

    @property
    def origin(self) -> Origin:
        """How the ledger names this client."""
        return self.origin_of()

    def origin_of(self, *files: str) -> Origin:
        """Name this client at work on files: in the innermost workspace of the first that is in one.

        Where none is, that is the client's first folder; None for a client without any.
        """
        inside = (self._workspace_of(file) for file in files) if len(self.workspaces) > 1 else ()
        found = next(filter(None, inside), next(iter(self.workspaces), None))
        return Origin(workspace=found, client=self.name)

    def _workspace_of(self, file: str) -> str | None:
        path = PurePath(os.path.normpath(file))
        spelled = (
            *zip(self.roots, self.workspaces, strict=True),
            *zip(self.workspaces, self.workspaces, strict=True),
        )
        around = [
            (len(PurePath(root).parts), workspace) for root, workspace in spelled if path.is_relative_to(root)
        ]
        return max(around)[1] if around else None


class App:
    """All of farebox behind a surface."""

    def __init__(self, client: Client, *, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self.config_file = config_file(self._environment)
        self._client = client
        self._workspace_files = _workspace_files(client)
        self._models: dict[str, str] = {}
        self._config: Config | None = None
        self._stamp: object = None
        self._doors: dict[str | None, Door] = {}
        self._doors_stamp: tuple[Config, object] | None = None
        self._servers: dict[str, LocalServer] = {}
        home = data_folder(self._environment)
        self._retries = RetryBudget()
        self._health = Health()
        self.http = Http(require=lambda: guard.require_trust(trusted=self._client.trusted))
        self.keys = Keys(environment=self._environment, file=home / "keys.json")
        self.telemetry = Telemetry()
        self.ledger = Ledger(ledger_file(self._environment), on_settled=self._on_settled)
        self._corrector = Corrector(self.ledger, self.http, lambda: self.door().require_trust().planner)
        self.listings = ListingFile(home / "openrouter-models.json")
        self._known: tuple[Listing, Catalog] = (NO_LISTING, catalog.load())
        self._library = Library()
        self.conversations = Conversations()
        self.diary = Diary(self._tell)

    @property
    def client(self) -> Client:
        """Who uses this app, now."""
        return self._client

    def change_client(self, client: Client) -> None:
        """Take new settings or folders from the client."""
        self._client = client
        self._workspace_files = _workspace_files(client)
        self._stamp = None

    @property
    def workspace_files(self) -> list[Path]:
        """Where the settings of the client's folders would be; none while they are not trusted."""
        return self._workspace_files

    def config(self) -> Config:
        """Return the settings of this moment. Raises ConfigError while a file is wrong."""
        stamp = self._files_stamp()
        if self._config is None or stamp != self._stamp:
            settings = config.load(
                environment=self._environment,
                user_file=self.config_file,
                client_settings=self._client.settings,
                workspace_files=self.workspace_files,
                vendors=tuple(vendors()),
            )
            _refuse_foreign_preferences(settings)
            self.telemetry.use(settings.otel, local_only=settings.privacy.local_only)
            tasks = settings.tasks.model_copy(update=self._models)
            self._config, self._stamp = settings.model_copy(update={"tasks": tasks}), stamp
        return self._config

    def settings_stamp(self) -> object:
        """Return at once something that changes whenever the settings may have, in a file or the client."""
        return self._client, self._files_stamp()

    def _files_stamp(self) -> list[tuple[int, int] | None]:
        return [_stamp(file) for file in (self.config_file, *self.workspace_files)]

    def door(self, agent: str | None = None) -> Door:
        """Open the door with the settings and keys of this moment, for everybody or for one agent.

        It is the same door while none of these have changed, so that what it has looked up counts. Raises
        ConfigError, and InvalidParams if there is no such agent.
        """
        settings = self.config()
        stamp = (self.keys.stamp(), self.listings.read(), self._client.trusted)
        if self._doors_stamp is None or self._doors_stamp[0] is not settings or stamp != self._doors_stamp[1]:
            self._doors.clear()
            self._doors_stamp = settings, stamp
        if agent not in self._doors:
            self._doors[agent] = self._new_door(settings if agent is None else settings.for_agent(agent))
        return self._doors[agent]

    def _new_door(self, settings: Config) -> Door:
        directory = self._directory(settings)
        menus = Menus(settings, self._catalog(directory), directory)
        planner = Planner(menus, Pricing(self.listings), self._health)
        return Door(planner, directory, self.ledger, trusted=self._client.trusted, retries=self._retries)

    def _directory(self, settings: Config) -> Directory:
        return Directory(settings, self.keys, self.http, servers=self._servers)

    def _catalog(self, directory: Directory) -> Catalog:
        """Return our catalogue with what is known of a broker's own list, put together once for each list."""
        seller = broker(directory)
        if seller is None:
            return catalog.load()
        listing = self.listings.at(seller.base_url)
        if listing is not self._known[0]:
            self._known = (listing, with_listed(catalog.load(), seller.provider, listing))
        return self._known[1]

    async def refresh_listing(self, *, asked: bool) -> None:
        """Fetch OpenRouter's list of models, if it is set up and what is here is a day old.

        Never in local-only mode, nor with ``[privacy] fetch_models = false``. Unless the user has ``asked``
        for models, only from OpenRouter itself: another address in its place may have no such list.
        Raises nothing but a CancelledError: without the list, what farebox knows by itself must do.
        """
        try:
            settings = self.config()
            seller = broker(self._directory(settings))
        except FareboxError:
            return
        if seller is None or settings.privacy.local_only or not settings.privacy.fetch_models:
            return
        if asked or is_at_home(seller):
            await self.listings.refresh(self.http, seller)

    def library(self) -> Library:
        """Return what the user's own files know, by the folders and the settings of this moment.

        While the settings are broken nothing but what is open is read: they could exclude anything.
        """
        client = self._client
        try:
            settings, readable = self.config().privacy, client.trusted
        except ConfigError:
            settings, readable = Privacy(), False
        rules = rules_from(settings, client.roots, reads=client.trusted)
        hides_secrets = settings.secrets != "send"
        self._library.follow(Shelves(rules, is_trusted=readable, hides_secrets=hides_secrets))
        return self._library

    def _on_settled(self, settlement: Settlement) -> None:
        """Hear in the ledger's thread what it has written."""
        self._corrector.note(settlement)
        self.telemetry.settled(settlement)

    def _tell(self, call_id: str, shown: int, accepted: int, partly: int) -> None:
        """Write down what became of a call's ghost text."""
        self.ledger.tell(Shown(call_id, shown, accepted, partly))

    async def correct_estimates(self) -> None:
        """Put what providers have booked in the place of what was estimated, now and later, until cancelled.

        For a process that stays. Never in local-only mode.
        """
        await self._corrector.run()

    def set_model(self, task: Task, model: str) -> None:
        """Use another model for a task, until this app ends. Raises ModelNotFound."""
        self.door().planner.menus.targets(model, task)
        self._models[task] = model
        self._stamp = None

    def set_key(self, provider: str, secret: str | None) -> None:
        """Remember a key in memory for the provider's address of this moment, or forget it.

        Raises InvalidParams for an unknown provider, and for a key that has nowhere to go.
        """
        self.require_provider(provider)
        if secret is None:
            self.keys.forget(provider)
            return
        origin = self.door().directory.origin(provider)
        if origin is None:
            raise InvalidParams(
                f"the provider {provider} has no address yet, so there is nowhere its key may go",
                hint=f"Set base_url of providers.{provider} first, then the key.",
            )
        self.keys.remember(provider, secret, origin)

    def require_provider(self, name: str) -> None:
        """Raise InvalidParams unless there is such a provider."""
        known = self.door().directory.names()
        if name not in known:
            raise InvalidParams(f"there is no provider {name}", hint=f"Known: {', '.join(known)}.")

    async def cost_report(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        by: tuple[str, ...] | None = None,
        workspace: str | None = None,
    ) -> costs.Report:
        """Answer what was spent. A broken config does not keep the user from seeing it."""
        return await costs.report(
            self.ledger,
            since=since,
            until=until,
            by=costs.DEFAULT_BY if by is None else by,
            workspace=workspace,
            limits=self._limits(),
            budgets_error=self._budgets_error(),
        )

    async def cost_overview(
        self, *, since: str | None = None, until: str | None = None, workspace: str | None = None
    ) -> costs.Overview:
        """Answer what a page of costs shows. A broken config does not keep the user from seeing it."""
        return await costs.overview(
            self.ledger,
            since=since,
            until=until,
            workspace=workspace,
            limits=self._limits(),
            budgets_error=self._budgets_error(),
        )

    def _limits(self) -> tuple[Limit, ...]:
        try:
            budgets = self.config().budgets
        except ConfigError:
            budgets = Budgets()
        workspaces = self._client.workspaces or (None,)
        found = (limit for workspace in workspaces for limit in limits_from(budgets, workspace))
        return tuple(dict.fromkeys(found))

    def _budgets_error(self) -> str | None:
        try:
            self.config()
        except ConfigError as error:
            return error.message
        return None

    async def replay(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        workspace: str | None = None,
        policies: tuple[Policy, ...] = POLICIES,
    ) -> Replay:
        """Answer what the recorded requests would have cost under other policies. Nothing is sent."""
        start, end = costs.period(since, until, local(None))
        query = Query(unix_ms(start), None if end is None else unix_ms(end), workspace=workspace)
        return await replay(self.ledger, self.door().planner, query, policies)

    async def spending(self) -> Spending:
        """Return what was spent since midnight, and how the budgets stand. Raises LedgerUnusable."""
        return await spending(self.ledger, self._limits())

    async def examine(self) -> tuple[doctor.Check, ...]:
        """Check everything that a request depends on."""
        return await doctor.examine(
            self.door,
            ledger=self.ledger,
            config_file=self.config_file,
            workspace_files=self.workspace_files,
        )

    async def probe(self) -> doctor.Check:
        """Find out how the model that completes is best asked: a few tiny requests, charged as any."""
        found = await probe(self.door, self._client.origin)
        return doctor.Check("completion form", found.state, found.message, found.hint)

    def warm_up(self) -> None:
        """Do now, off the event loop, what the first request would have to wait for."""
        from farebox import prices  # noqa: PLC0415  deferred for start-up

        warm_up_completion()
        self.http.warm_up()
        prices.preload()
        self.listings.read()

    async def close(self) -> None:
        """Close connections and write what is still to be written."""
        self._library.close()
        await self.http.aclose()
        await self.ledger.close()
        await self.telemetry.close()


def _workspace_files(client: Client) -> list[Path]:
    return [Path(root) / WORKSPACE_FILE for root in client.roots] if client.trusted else []


def _stamp(file: Path) -> tuple[int, int] | None:
    """Return what changes when a file does."""
    try:
        info = os.stat(file)  # noqa: PTH116  half the time of file.stat(), and every request asks
    except OSError:
        return None
    return info.st_mtime_ns, info.st_size


def _refuse_foreign_preferences(settings: Config) -> None:
    """Refuse what a provider would not heed: whoever writes ``zdr = true`` must be able to rely on it."""
    tables = [(f"providers.{name}", name, provider) for name, provider in settings.providers.items()]
    for name, agent in settings.agents.items():
        if agent.local is not None:
            tables.append((f"agents.{name}.local", "local", agent.local))
    for table, name, provider in tables:
        vendor = vendors().get(name)
        if vendor is not None and vendor.routing:
            continue
        unheeded = next((key for key in ROUTING_SETTINGS if getattr(provider, key) is not None), None)
        if unheeded is not None:
            raise ConfigError(
                f"{table}.{unheeded}: {name} would not heed this setting, only OpenRouter does",
                hint=f"Remove {unheeded} from [{table}], or move it to [providers.openrouter].",
            )
