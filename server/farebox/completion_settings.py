"""The ``[completion]`` table: switches of tab completion, and what a workspace may switch off of it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from farebox import patterns
from farebox.provider_settings import Section

MAX_CANDIDATES = 5


def _bounded(files: list[str]) -> list[str]:
    """Refuse patterns that are malformed, or that could keep the event loop busy."""
    patterns.check(files)
    return files


def _more_files(files: list[str]) -> list[str]:
    """Refuse a negation: it would switch on what the user has switched off."""
    if any(pattern.lstrip().startswith("!") for pattern in files):
        raise ValueError("a workspace can only switch off more, so no pattern may begin with !")
    return files


def _only_off(value: bool | None) -> bool | None:
    if value:
        raise ValueError("a workspace can only set it to false")
    return value


Patterns = Annotated[list[str], AfterValidator(_bounded)]
Off = Annotated[bool | None, AfterValidator(_only_off)]


class CompletionSettings(Section):
    """Switches of tab completion.

    ``disabled_files`` are patterns in gitignore's syntax. ``debounce_ms`` is the wait before a model is
    asked; None adapts it to the typing and the provider. ``look_ahead``: the next lines are asked for before
    they are needed. ``context``: prompts carry pieces of other files. ``embedded``: suggestions come from
    the user's own files where no model answers in time. ``candidates`` is how many there may be where the
    user asks by hand.
    """

    enabled: bool = True
    disabled_languages: list[str] = Field(default_factory=list[str])
    disabled_files: Patterns = Field(default_factory=list[str])
    in_comments: bool = True
    in_strings: bool = True
    max_file_kb: Annotated[int, Field(ge=1, le=100_000)] = 2_000
    debounce_ms: Annotated[int, Field(ge=0, le=5_000)] | None = None
    lines: Literal["auto", "one"] = "auto"
    look_ahead: bool = True
    context: bool = True
    embedded: bool = True
    candidates: Annotated[int, Field(ge=1, le=MAX_CANDIDATES)] = 3

    def tightened(self, workspace: "WorkspaceCompletion") -> "CompletionSettings":
        """Apply a workspace's table: the result does never more."""
        return self.model_copy(
            update={
                "enabled": self.enabled and workspace.enabled is not False,
                "context": self.context and workspace.context is not False,
                "embedded": self.embedded and workspace.embedded is not False,
                "disabled_languages": [*self.disabled_languages, *workspace.disabled_languages],
                "disabled_files": [*self.disabled_files, *workspace.disabled_files],
            }
        )


class WorkspaceCompletion(Section):
    """A workspace may switch completion off, wholly or for languages and files, or keep its files apart."""

    enabled: Off = None
    context: Off = None
    embedded: Off = None
    disabled_languages: list[str] = Field(default_factory=list[str])
    disabled_files: Annotated[Patterns, AfterValidator(_more_files)] = Field(default_factory=list[str])
