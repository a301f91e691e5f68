"""Our settings among an editor's, in whatever shape they come. Knows where they stand; not what they mean."""

from typing import cast


def settings_of(options: dict[str, object]) -> dict[str, object]:
    """Return the settings in initialization options, with or without a section of our name."""
    settings = options.get("settings")
    own = own_section(settings)
    if own is not None:
        return own
    return cast("dict[str, object]", settings) if isinstance(settings, dict) else {}


def own_section(settings: object) -> dict[str, object] | None:
    """Return our section of an editor's settings; None if they have none."""
    own = cast("dict[str, object]", settings).get("farebox") if isinstance(settings, dict) else None
    return cast("dict[str, object]", own) if isinstance(own, dict) else None
