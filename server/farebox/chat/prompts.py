"""The words around a user's question: the system text, and how attachments are written down."""

from dataclasses import dataclass
from typing import Literal

from farebox.messages import Task
from farebox.privacy import shown_name

SYSTEM = (
    "You are a programming assistant inside a code editor. Answer briefly and exactly, in Markdown. "
    "Put code in fenced blocks with their language. If you are not sure, say so."
)

_TASKS: dict[Task, str] = {
    "explain": "Explain the code: what it does and why, not line by line.",
    "fix": "Find the cause of the problem and show the corrected code.",
    "tests": "Write tests for the code, in the style of the file's language.",
    "document": "Write documentation comments for the code. Change nothing else.",
    "review": "Review the code: name defects by importance, with their lines.",
    "generate": "Write the code that is asked for, complete and ready to use.",
    "edit": "Change the code as asked. Show the changed part, and change nothing else.",
    "commit": "Write a commit message: an imperative subject of at most 50 characters, then what and why.",
    "title": "Write a title of at most six words for what follows, and nothing else.",
    "plan": "Make a plan: numbered steps, the files they touch, and the risks. Write no code yet.",
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A piece of text that a question is about; ``path`` is what privacy rules look at.

    ``is_excerpt``: it is a part of a file, which the user has selected.
    """

    name: str
    text: str
    path: str | None = None
    is_excerpt: bool = False


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What the editor says of a line of a file; ``line`` counts from 1."""

    path: str
    line: int
    severity: Literal["error", "warning", "information", "hint"]
    message: str


def system_text(task: Task) -> str:
    """Return the system message of a task."""
    extra = _TASKS.get(task)
    return f"{SYSTEM} {extra}" if extra else SYSTEM


def question(
    text: str,
    attachments: tuple[Attachment, ...],
    diagnostics: tuple[Diagnostic, ...] = (),
    *,
    roots: tuple[str, ...] = (),
) -> str:
    """Write a question with what belongs to it before it, files named from the workspace's roots on."""
    blocks = [
        f'<attachment name="{shown_name(one.path or one.name, roots)}">\n{one.text}\n</attachment>'
        for one in attachments
    ]
    if diagnostics:
        lines = "\n".join(
            f"{shown_name(one.path, roots)}:{one.line}: {one.severity}: {' '.join(one.message.split())}"
            for one in diagnostics
        )
        blocks.append(f"<diagnostics>\n{lines}\n</diagnostics>")
    return "\n\n".join([*blocks, text])
