"""The words around a question."""

from typing import get_args

import pytest

from farebox.chat.conversation import Question
from farebox.chat.prompts import SYSTEM, Attachment, Diagnostic, question, system_text
from farebox.messages import Task


@pytest.mark.parametrize("task", get_args(Task))
def test_every_task_has_a_system_text_that_begins_alike(task: Task):
    assert system_text(task).startswith(SYSTEM)


def test_a_task_of_its_own_adds_its_own_words():
    special = {system_text(task) for task in get_args(Task)} - {SYSTEM}
    assert len(special) == 10
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


DIAGNOSTICS = (
    Diagnostic("/ws/src/a.py", 3, "error", "no such name: x"),
    Diagnostic("/ws/src/a.py", 9, "warning", "y is not used"),
)


def test_diagnostics_are_written_between_the_attachments_and_the_question():
    assert question("why?", (Attachment("a.py", "x", "/ws/src/a.py"),), DIAGNOSTICS, roots=("/ws",)) == (
        '<attachment name="src/a.py">\nx\n</attachment>\n\n'
        "<diagnostics>\nsrc/a.py:3: error: no such name: x\nsrc/a.py:9: warning: y is not used\n"
        "</diagnostics>\n\nwhy?"
    )


def test_a_file_outside_the_workspace_is_named_without_its_folders():
    outside = (Diagnostic("/Users/ann/b.py", 1, "hint", "z"),)
    assert question("why?", (), outside, roots=("/ws",)).startswith("<diagnostics>\nb.py:1: hint: z\n")


def test_a_question_quotes_the_files_of_its_attachments_and_of_its_diagnostics():
    asked = Question("why?", attachments=(Attachment("b", "y", "/ws/b"),), diagnostics=DIAGNOSTICS)
    assert set(asked.sources) == {"/ws/b", "/ws/src/a.py"}
    assert asked.errors == 1
