"""Which pieces of other files a prompt gets: those that show what may come next, within the budget."""

import gc
import weakref
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.context import gather
from farebox.completion.index import Index
from farebox.completion.pieces import DEFAULT
from farebox.completion.window import Snippet, Window, window

ROOT = str(Path("/project").absolute())
SHAPES = """
class Shape:
    corner_count: int = 0

    def rotate_by(self, angle_degrees: float) -> "Shape":
        secret_body_word = 1
        return self

class Square(Shape):
    def __init__(self, side_length: float):
        self.side_length = side_length
"""
FAR_BELOW = (
    "x = 1\n" * 40
    + """
def unrelated_function():
    pass
"""
)
OTHER = """
def draw_everything(canvas):
    for painted_shape in canvas.painted_shapes:
        canvas.begin_stroke()
        canvas.stroke_outline(painted_shape)
        canvas.finish_stroke()
"""


def place(name: str) -> str:
    return str(Path(ROOT, name))


def taught(texts: dict[str, str]) -> Index:
    index = Index()
    for name, text in texts.items():
        index.learn(place(name), "python", text)
    return index


def gathered(
    index: Index,
    prefix: str,
    suffix: str = "",
    *,
    name: str = "main.py",
    budget_chars: int = 4_000,
    diagnostics: tuple[str, ...] = (),
) -> tuple[Snippet, ...]:
    around = Window(name, "python", prefix, suffix)
    return gather(
        index, around, path=place(name), roots=(ROOT,), budget_chars=budget_chars, diagnostics=diagnostics
    )


def shown(snippets: tuple[Snippet, ...]) -> str:
    return "\n".join(snippet.text for snippet in snippets)


def test_a_used_class_is_shown_with_its_members_and_those_that_it_inherits():
    index = taught({"shapes.py": SHAPES + FAR_BELOW, "other.py": "x = 1\n"})
    text = shown(gathered(index, "from shapes import Square\n\nbox = Square("))
    assert "def __init__(self, side_length: float)" in text
    assert "def rotate_by(self, angle_degrees" in text
    assert "secret_body_word" not in text
    assert "unrelated_function" not in text


def test_of_two_definitions_the_one_that_is_imported_is_shown():
    index = taught(
        {
            "near/shapes.py": "def make_shape(near_argument): pass\n",
            "far/away/models.py": "def make_shape(far_argument): pass\n",
            "near/main.py": "from far.away.models import make_shape\n\nmake_shape(\n",
        }
    )
    prefix = "from far.away.models import make_shape\n\nmake_shape("
    text = shown(gathered(index, prefix, name="near/main.py", budget_chars=80))
    assert "far_argument" in text
    assert "near_argument" not in text


def test_lines_around_rare_words_at_the_cursor_are_shown():
    index = taught({"draw.py": OTHER, **{f"noise{n}.py": f"value_{n} = {n}\n" for n in range(20)}})
    text = shown(gathered(index, "def draw_selected(canvas):\n    canvas.begin_stroke()\n    "))
    assert "finish_stroke" in text
    assert "value_" not in text


def test_what_the_window_leaves_out_of_the_file_itself_is_shown():
    own = "from far.lib import imported_helper\n\ndef upper_function(first_argument): pass\n" + "x = 1\n" * 50
    index = taught({"main.py": own + "value = "})
    text = shown(gathered(index, "x = 1\nvalue = "))
    assert "imported_helper" in text
    assert "upper_function(first_argument)" in text


def test_nothing_is_shown_that_the_window_shows():
    own = "from far.lib import imported_helper\n\nvalue = "
    assert gathered(taught({"main.py": own}), own) == ()


def test_diagnostics_are_looked_for():
    index = taught({"shapes.py": SHAPES, "noise.py": "y = 2\n"})
    assert "side_length" not in shown(gathered(index, "x = "))
    message = '"Square" has no attribute "side"'
    assert "side_length" in shown(gathered(index, "x = ", diagnostics=(message,)))


def test_what_was_edited_last_elsewhere_is_shown():
    index = taught({"other.py": "a = 1\nrenamed_thing = 2\n"})
    assert gathered(index, "value = ") == ()
    index.edited(place("other.py"), 1)
    assert "renamed_thing" in shown(gathered(index, "value = "))
    index.edited(place("gone.py"), 1)
    assert "renamed_thing" in shown(gathered(index, "value = "))


def test_of_an_edited_file_the_lines_around_the_edit_are_shown():
    index = taught({"other.py": "".join(f"shown_{number} = {number}\n" for number in range(60))})
    index.edited(place("other.py"), 30)
    lines = shown(gathered(index, "value = ")).splitlines()
    numbers = range(30 - DEFAULT.lines_before, 30 + DEFAULT.lines_after)
    assert lines == [f"shown_{number} = {number}" for number in numbers]


def test_snippets_are_named_as_a_model_may_see_them_and_in_order():
    index = taught({"b/shapes.py": SHAPES, "a/draw.py": OTHER, "c.py": "Square = 1\n"})
    snippets = gathered(index, "import shapes, draw\nSquare.rotate_by\ncanvas.begin_stroke(")
    assert [snippet.name for snippet in snippets] == sorted(snippet.name for snippet in snippets)
    assert {"a/draw.py", "b/shapes.py"} <= {snippet.name for snippet in snippets}
    for snippet in snippets:
        assert snippet.path == place(snippet.name)
        assert ROOT not in snippet.text


def test_the_same_question_has_the_same_answer():
    index = taught({"shapes.py": SHAPES, "draw.py": OTHER})
    prefix = "canvas.begin_stroke(Square("
    assert gathered(index, prefix) == gathered(index, prefix)


def test_what_was_learned_of_a_file_is_let_go_once_it_is_learned_anew():
    index = taught({"shapes.py": SHAPES, "main.py": "box = Square()\n"})
    old = index.source(place("main.py"))
    assert old is not None
    gathered(index, "box = Square(")
    kept = weakref.ref(old)
    index.learn(place("main.py"), "python", "box = Square(1)\n")
    del old
    gc.collect()
    assert kept() is None


def test_an_empty_index_has_nothing_to_show():
    assert gathered(Index(), "anything(") == ()


@given(
    texts=st.lists(st.text("ab_ def class():\n=.", max_size=300), max_size=5),
    prefix=st.text("ab_ def():\n=.", max_size=200),
    budget_chars=st.integers(0, 600),
)
def test_the_budget_holds_and_lines_are_the_files_own(texts: list[str], prefix: str, budget_chars: int):
    index = taught({f"f{number}.py": text for number, text in enumerate(texts)})
    snippets = gathered(index, prefix, budget_chars=budget_chars)
    assert sum(len(snippet.name) + len(snippet.text) for snippet in snippets) <= budget_chars
    assert len({snippet.path for snippet in snippets}) == len(snippets)


def test_a_huge_workspace_is_looked_at_in_bounds():
    index = taught({f"f{number}.py": "def shared_name(): pass\n" + SHAPES + OTHER for number in range(200)})
    around = window("main.py", "python", "shared_name\n" * 3_000 + "canvas.begin_stroke(Square(", "")
    snippets = gather(index, around, path=place("main.py"), roots=(ROOT,), budget_chars=2_000)
    assert sum(len(snippet.text) for snippet in snippets) <= 2_000
