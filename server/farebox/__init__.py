"""farebox: the AI backend that an editor user owns."""


def __getattr__(name: str) -> str:
    """Give ``__version__`` on demand: reading package metadata costs start-up time."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415  deferred for start-up

        return version("farebox")
    raise AttributeError(name)
