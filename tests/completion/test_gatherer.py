"""The snippets of a document stay the same while one types on a line, and as long as they serve."""

from farebox.completion.gatherer import MAX_DOCUMENTS, Gatherer
from farebox.completion.index import Index
from farebox.completion.window import window

SHAPES = (
    "class Square:\n    def rotate_by(self, angle_degrees): pass\n    def move_by(self, distance): pass\n"
)
LAMPS = "class Lantern:\n    def ignite(self, matchstick): pass\n    def extinguish(self, bucket): pass\n"


def taught() -> Index:
    index = Index()
    index.learn("shapes.py", "python", SHAPES)
    index.learn("lamps.py", "python", LAMPS)
    index.learn("noise.py", "python", "x = 1\n")
    return index


def test_there_is_nothing_before_the_first_question():
    gatherer = Gatherer(taught())
    assert gatherer.snippets("main.py") == ()
    assert gatherer.is_stale("main.py", window("main.py", "python", "x", ""))


def test_typing_on_a_line_leaves_them_as_they_are():
    gatherer = Gatherer(taught())
    head = "import shapes\nSquare\n"
    first = gatherer.refresh("main.py", window("main.py", "python", head, "\n"))
    assert [snippet.name for snippet in first] == ["shapes.py"]
    for typed in ("L", "Lan", "Lantern", "Lantern.ignite("):
        around = window("main.py", "python", head + typed, ")\nmore\n")
        assert not gatherer.is_stale("main.py", around)
        assert gatherer.snippets("main.py") is first


def test_another_line_asks_anew():
    gatherer = Gatherer(taught())
    gatherer.refresh("main.py", window("main.py", "python", "Square\n", ""))
    around = window("main.py", "python", "Square\nLantern\n", "")
    assert gatherer.is_stale("main.py", around)
    found = gatherer.refresh("main.py", around)
    assert {snippet.name for snippet in found} == {"lamps.py", "shapes.py"}


def test_an_old_list_that_shows_as_much_stays():
    gatherer = Gatherer(taught())
    first = gatherer.refresh("main.py", window("main.py", "python", "Square\n", ""))
    again = gatherer.refresh("main.py", window("main.py", "python", "Square\nmove_by\n", ""))
    assert again is first


def test_a_list_with_a_file_that_is_gone_does_not_stay():
    index = taught()
    gatherer = Gatherer(index)
    assert gatherer.refresh("main.py", window("main.py", "python", "Square\n", ""))
    index.forget("shapes.py")
    assert gatherer.refresh("main.py", window("main.py", "python", "Square\n", "")) == ()


def test_documents_do_not_mix_and_the_oldest_are_dropped():
    gatherer = Gatherer(taught())
    gatherer.refresh("a.py", window("a.py", "python", "Square\n", ""))
    gatherer.refresh("b.py", window("b.py", "python", "Lantern\n", ""))
    assert [snippet.name for snippet in gatherer.snippets("a.py")] == ["shapes.py"]
    assert [snippet.name for snippet in gatherer.snippets("b.py")] == ["lamps.py"]
    gatherer.forget("b.py")
    assert gatherer.snippets("b.py") == ()
    for number in range(MAX_DOCUMENTS):
        gatherer.refresh(f"{number}.py", window("x.py", "python", "Square\n", ""))
    assert gatherer.snippets("a.py") == ()
