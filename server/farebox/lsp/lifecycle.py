"""What may be asked at which point of a session. Pure; of messages it knows the names of methods alone."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from farebox.lsp.codes import INVALID_REQUEST, NOT_INITIALIZED

INITIALIZE: Final = "initialize"
SHUTDOWN: Final = "shutdown"
EXIT: Final = "exit"


class Stage(Enum):
    """How far a session has come."""

    BEGINNING = auto()
    RUNNING = auto()
    CLOSING = auto()
    """``shutdown`` was asked for: only ``exit`` is left."""
    ENDED = auto()
    CUT_SHORT = auto()
    """``exit`` came without ``shutdown``."""

    @property
    def is_over(self) -> bool:
        """Say whether nothing more is to be read."""
        return self in (Stage.ENDED, Stage.CUT_SHORT)

    @property
    def is_well_ended(self) -> bool:
        """Say whether the end was asked for: the process's exit code must tell."""
        return self in (Stage.CLOSING, Stage.ENDED)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not served: a code of JSON-RPC and words for people."""

    code: int
    words: str


def refusal(stage: Stage, method: str) -> Refusal | None:
    """Return why a request is not served at this point; None if it is."""
    match stage:
        case Stage.BEGINNING if method != INITIALIZE:
            return Refusal(NOT_INITIALIZED, "the first request must be initialize")
        case Stage.RUNNING if method == INITIALIZE:
            return Refusal(INVALID_REQUEST, "initialize has been answered already")
        case Stage.CLOSING | Stage.ENDED | Stage.CUT_SHORT:
            return Refusal(INVALID_REQUEST, "the server is shutting down")
        case _:
            return None


def hears(stage: Stage, method: str) -> bool:
    """Say whether a notification is heard at this point: any while the session runs, ``exit`` at any."""
    return stage is Stage.RUNNING or method == EXIT


def after(stage: Stage, method: str) -> Stage:
    """Return the stage after a message that was served."""
    if method == EXIT:
        return Stage.ENDED if stage.is_well_ended else Stage.CUT_SHORT
    if stage is Stage.BEGINNING and method == INITIALIZE:
        return Stage.RUNNING
    if stage is Stage.RUNNING and method == SHUTDOWN:
        return Stage.CLOSING
    return stage
