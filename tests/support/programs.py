"""Programs that a test needs and that need not be there; in CI (FAREBOX_REQUIRE_PROGRAMS=1) they must."""

import os
import shutil
from typing import NoReturn

import pytest


def program(name: str) -> str:
    """Return where a program is; skip the test if it is nowhere."""
    return shutil.which(name) or missing(f"needs {name}")


def missing(reason: str) -> NoReturn:
    """Skip a test for want of a program, or fail it where programs must be there."""
    if os.environ.get("FAREBOX_REQUIRE_PROGRAMS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
