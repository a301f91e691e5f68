"""The one place where parts are wired together: settings, keys, ledger, providers, door, rooms.

An App is one user's farebox for one client. It reads the settings anew when a file has changed, so that
a corrected config works with the next request, and a broken one stops requests until it is corrected:
running on with defaults could send what the user had forbidden.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import platformdirs

from farebox import catalog, config, costs, doctor
from farebox.chat.conversation import Conversations
from farebox.config import WORKSPACE_FILE, Config
from farebox.diary import Diary
from farebox.errors import ConfigError, InvalidParams
from farebox.ledger.limits import limits_from
from farebox.ledger.store import Ledger
from farebox.messages import Task
from farebox.providers.directory import Directory
from farebox.providers.http import Http
from farebox.providers.local import LocalServer
from farebox.router.door import Door
from farebox.router.plan import Planner
from farebox.router.request import Origin
from farebox.secrets import Keys


@dataclass(frozen=True, slots=True)
class Client:
    """Who uses farebox: an editor or the command line, with its settings and workspace folders."""

    name: str
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    roots: tuple[str, ...] = ()
    trusted: bool = True

    @property
    def origin(self) -> Origin:
        """How the ledger names this client."""
        return Origin(workspace=self.roots[0] if self.roots else None, client=self.name)


class App:
    """All of farebox behind a surface."""

    def __init__(self, client: Client, *, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._client = client
        self._models: dict[str, str] = {}
        self._config: Config | None = None
        self._stamp: object = None
        self._servers: dict[str, LocalServer] = {}
        home = data_folder(self._environment)
        self.http = Http()
        self.keys = Keys(environment=self._environment, file=home / "keys.json")
        self.ledger = Ledger(home / "ledger.db")
        self.conversations = Conversations()
        self.diary = Diary()

    @property
    def client(self) -> Client:
        """Who uses this app, now."""
        return self._client

    def change_client(self, client: Client) -> None:
        """Take new settings or folders from the client."""
        self._client = client
        self._stamp = None

    @property
    def config_file(self) -> Path:
        """Where the user's settings are."""
        named = self._environment.get("FAREBOX_CONFIG")
        return Path(named) if named else Path(platformdirs.user_config_dir("farebox", False)) / "config.toml"

    @property
    def workspace_files(self) -> list[Path]:
        """Where the settings of the client's folders would be; none while they are not trusted."""
        return [Path(root) / WORKSPACE_FILE for root in self._client.roots] if self._client.trusted else []

    def config(self) -> Config:
        """Return the settings of this moment. Raises ConfigError while a file is wrong."""
        files = self.workspace_files
        stamp = [(_stamp(file)) for file in (self.config_file, *files)]
        if self._config is None or stamp != self._stamp:
            self._config = config.load(
                environment=self._environment,
                user_file=self.config_file,
                client_settings=self._client.settings,
                workspace_files=files,
            )
            self._stamp = stamp
        if not self._models:
            return self._config
        tasks = self._config.tasks.model_copy(update=self._models)
        return self._config.model_copy(update={"tasks": tasks})

    def door(self) -> Door:
        """Open the door with the settings of this moment. Raises ConfigError."""
        settings = self.config()
        directory = Directory(settings, self.keys, self.http, servers=self._servers)
        planner = Planner(settings, catalog.load(), directory)
        return Door(planner, directory, self.ledger, trusted=self._client.trusted)

    def set_model(self, task: Task, model: str) -> None:
        """Use another model for a task, until this app ends. Raises ModelNotFound."""
        self.door().planner.targets(model, task)
        self._models[task] = model

    def set_key(self, provider: str, secret: str | None) -> None:
        """Remember a key in memory, or forget it. Raises InvalidParams for an unknown provider."""
        self.require_provider(provider)
        self.keys.remember(provider, secret)

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
        try:
            budgets = self.config().budgets
        except ConfigError:
            budgets = config.Budgets()
        return await costs.report(
            self.ledger,
            since=since,
            until=until,
            by=costs.DEFAULT_BY if by is None else by,
            workspace=workspace,
            limits=limits_from(budgets.daily_usd, budgets.monthly_usd),
        )

    async def spent_today(self) -> int:
        """Return what was spent since midnight, in nano-dollars."""
        midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        spent = await self.ledger.spent(int(midnight.timestamp() * 1000))
        return spent.settled_nanodollars

    async def examine(self) -> tuple[doctor.Check, ...]:
        """Check everything that a request depends on."""
        return await doctor.examine(
            self.door,
            ledger=self.ledger,
            config_file=self.config_file,
            workspace_files=self.workspace_files,
        )

    def warm_up(self) -> None:
        """Do now, off the event loop, what the first request would have to wait for."""
        from farebox import prices  # noqa: PLC0415  deferred for start-up

        self.http.warm_up()
        prices.preload()

    async def close(self) -> None:
        """Close connections and write what is still to be written."""
        await self.http.aclose()
        await self.ledger.close()


def data_folder(environment: Mapping[str, str]) -> Path:
    """Return where farebox keeps its ledger and keys."""
    named = environment.get("FAREBOX_HOME")
    return Path(named) if named else Path(platformdirs.user_data_dir("farebox", False))


def _stamp(file: Path) -> tuple[int, int] | None:
    """Return what changes when a file does."""
    try:
        info = file.stat()
    except OSError:
        return None
    return info.st_mtime_ns, info.st_size
