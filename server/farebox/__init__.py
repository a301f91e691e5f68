"""farebox: the AI backend that an editor user owns."""

# A literal: asking importlib.metadata takes 13 ms that an editor would wait for.
__version__ = "0.1.0"
