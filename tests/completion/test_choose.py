"""Which pieces are taken: the most new names a character, once each, within the budget."""

from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.choose import Chosen, choose
from farebox.completion.index import Source
from farebox.completion.outline import Outline
from farebox.completion.pieces import Piece

A = Source("a.py", "python", b"", Outline())
B = Source("b.py", "python", b"", Outline())


def piece(source: Source, *lines: tuple[int, str], strength: float = 1.0, alike: float = 0.0) -> Piece:
    return Piece(source, lines, strength, alike)


def chosen(*pieces: Piece, budget_chars: int = 1_000, seen: str = "", own: str = "") -> tuple[Chosen, ...]:
    return choose(
        pieces,
        seen=frozenset(seen.split()),
        budget_chars=budget_chars,
        head_chars=lambda source: len(source.path),
        count=lambda _: 1,
        files=20,
        own_words=frozenset(own.split()),
    )


def texts(found: tuple[Chosen, ...]) -> list[str]:
    return sorted(one.text for one in found)


def test_the_lines_of_a_file_are_put_in_its_order_and_none_comes_twice():
    found = chosen(
        piece(A, (7, "later_name")),
        piece(A, (0, "class Head"), (3, "middle_name")),
        piece(A, (0, "class Head")),
    )
    assert texts(found) == ["class Head\nmiddle_name\nlater_name"]


def test_what_is_in_sight_already_is_left_out():
    assert chosen(piece(A, (0, "known_name = other_name")), seen="known_name other_name") == ()
    assert texts(chosen(piece(A, (0, "one_name")), piece(B, (0, "one_name")))) == ["one_name"]


def test_stronger_pieces_and_names_of_the_file_itself_come_first():
    weak, strong = piece(A, (0, "first_name")), piece(B, (0, "other_name"), strength=2.0)
    assert texts(chosen(weak, strong, budget_chars=16)) == ["other_name"]
    assert texts(chosen(weak, strong, budget_chars=16, own="first_name")) == ["first_name"]
    alike = piece(A, (0, "third_name"), alike=50.0)
    assert texts(chosen(alike, strong, budget_chars=16)) == ["third_name"]


@given(
    lines=st.lists(
        st.tuples(st.sampled_from([A, B]), st.integers(0, 20), st.text("abcd_ ", max_size=30)), max_size=20
    ),
    budget_chars=st.integers(0, 200),
)
def test_the_budget_holds(lines: list[tuple[Source, int, str]], budget_chars: int):
    found = chosen(
        *(piece(source, (number, line)) for source, number, line in lines), budget_chars=budget_chars
    )
    assert sum(len(one.source.path) + len(one.text) for one in found) <= budget_chars
