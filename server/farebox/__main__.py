"""``python -m farebox`` is ``farebox``."""

from farebox.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
