"""The words around a question."""

from typing import get_args

import pytest

from farebox.chat.prompts import SYSTEM, Attachment, question, system_text
from farebox.messages import Task


@pytest.mark.parametrize("task", get_args(Task))
def test_every_task_has_a_system_text_that_begins_alike(task: Task):
    assert system_text(task).startswith(SYSTEM)


def test_a_task_of_its_own_adds_its_own_words():
    special = {system_text(task) for task in get_args(Task)} - {SYSTEM}
    assert len(special) == 6
    assert system_text("chat") == SYSTEM
    assert "Review" in system_text("review")


@pytest.mark.parametrize(
    ("attachments", "written"),
    [
        pytest.param((), "why?", id="none"),
        pytest.param(
            (Attachment("a.py", "x = 1"),),
            '<attachment name="a.py">\nx = 1\n</attachment>\n\nwhy?',
            id="one",
        ),
        pytest.param(
            (Attachment("a", "x"), Attachment("b", "y", "/ws/b")),
            '<attachment name="a">\nx\n</attachment>\n\n<attachment name="b">\ny\n</attachment>\n\nwhy?',
            id="two-in-their-order",
        ),
        pytest.param(
            (Attachment('say "hi"\n.py', "x"),),
            "<attachment name=\"say 'hi' .py\">\nx\n</attachment>\n\nwhy?",
            id="a-name-cannot-break-out",
        ),
        pytest.param(
            (Attachment("a.py", "x", "/ws/src/a.py"), Attachment("b.py", "y", "/Users/ann/b.py")),
            '<attachment name="src/a.py">\nx\n</attachment>\n\n'
            '<attachment name="b.py">\ny\n</attachment>\n\nwhy?',
            id="files-by-their-place-in-the-workspace",
        ),
    ],
)
def test_attachments_are_written_with_their_names_before_the_question(
    attachments: tuple[Attachment, ...], written: str
):
    assert question("why?", attachments, roots=("/ws",)) == written
