"""Settings files for tests, and the one call that reads them all."""

from pathlib import Path

from farebox.config import Config, load


def check(
    user_file: Path,
    text: str | bytes | None = None,
    *,
    environment: dict[str, str] | None = None,
    client: dict[str, object] | None = None,
    workspaces: tuple[Path, ...] = (),
) -> Config:
    if text is not None:
        user_file.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(
        environment=environment or {},
        user_file=user_file,
        client_settings=client,
        workspace_files=workspaces,
    )
