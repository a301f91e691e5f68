"""Suites of ``editor-clients/vscode/test/host`` inside the extension host, with all of VS Code's API."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser

from support.environment import clean_environment, openrouter_config
from support.patience import WAIT_S
from support.upstream import Upstream
from support.vscode import KEY, SETTINGS
from support.vscode_extension import packaged, suite
from support.vscode_server import POLL_S, server_command, vscode_server


def in_host(
    chromium: Browser,
    folder: Path,
    name: str,
    *,
    upstream: Upstream | None = None,
    more: str = "",
    settings: Mapping[str, object] | None = None,
    environment: Mapping[str, str] = KEY,
    extension: Path | None = None,
) -> list[dict[str, Any]]:
    """Run a suite (``test/host/NAME.ts``); return what it said, a line of JSON each."""
    extension = extension or packaged()
    file = suite(name)
    home, work = folder / "home", folder / "work"
    home.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    variables = {**clean_environment(folder), **environment, "HOME": str(home)}
    variables["FAREBOX_SERVER"] = str(server_command(home))
    if upstream is not None:
        (folder / "config.toml").write_text(openrouter_config(upstream.base_url, more=more), "utf-8")
    with vscode_server(
        home,
        settings={**SETTINGS, **(settings or {})},
        environment=variables,
        extensions=None,
        options=(
            "--enable-smoke-test-driver",
        ),  # or no suite is run; it hides messages, so windows go without
    ) as (port, _):
        remote = f"vscode-remote://127.0.0.1:{port}"
        payload = [
            ["extensionDevelopmentPath", f"{remote}{extension}"],
            ["extensionTestsPath", f"{remote}{file}"],
            ["skipWelcome", "true"],
        ]
        said: list[str] = []
        codes: list[int] = []
        context = chromium.new_context()
        try:
            page = context.new_page()
            page.expose_function("codeAutomationLog", lambda _level, parts: said.extend(map(str, parts)))  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
            page.expose_function("codeAutomationExit", lambda code, *_: codes.append(code))  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
            page.goto(
                f"http://127.0.0.1:{port}/?folder={quote(str(work))}&payload={quote(json.dumps(payload))}"
            )
            deadline = time.monotonic() + WAIT_S * 2
            while not codes and time.monotonic() < deadline:
                page.wait_for_timeout(POLL_S * 1000)
        finally:
            context.close()
    assert codes == [0], f"the suite ended with {codes}:\n" + "\n".join(said)
    return [json.loads(line) for line in said if line.startswith('{"')]
