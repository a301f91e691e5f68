"""Settings files for tests, the one call that reads them all, and every setting that there is."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard, get_args, get_origin

from farebox.config import Config, Section, load


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


def leaves(schema: type[Section], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every setting; a table of free names is followed with a name of our own."""
    for name, field in schema.model_fields.items():
        path = (*above, name, "mine") if get_origin(field.annotation) is dict else (*above, name)
        tables = [kind for kind in (field.annotation, *get_args(field.annotation)) if _is_table(kind)]
        for table in tables:
            yield from leaves(table, path)
        if not tables:
            yield (*above, name)


def _is_table(kind: object) -> TypeGuard[type[Section]]:
    return isinstance(kind, type) and issubclass(kind, Section)
