"""The words around a user's question: the system text, and how attachments are written down."""

from dataclasses import dataclass

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
    "plan": "Make a plan: numbered steps, the files they touch, and the risks. Write no code yet.",
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A piece of text that a question is about; ``path`` is what privacy rules look at."""

    name: str
    text: str
    path: str | None = None


def system_text(task: Task) -> str:
    """Return the system message of a task."""
    extra = _TASKS.get(task)
    return f"{SYSTEM} {extra}" if extra else SYSTEM


def question(text: str, attachments: tuple[Attachment, ...], *, roots: tuple[str, ...] = ()) -> str:
    """Write a question with its attachments before it, files named from the workspace's roots on."""
    blocks = [
        f'<attachment name="{shown_name(one.path or one.name, roots)}">\n{one.text}\n</attachment>'
        for one in attachments
    ]
    return "\n\n".join([*blocks, text])
