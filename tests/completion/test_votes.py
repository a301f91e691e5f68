"""What may come next, token by token."""

from farebox.completion.draft import Draft
from farebox.completion.shelf import Shelf
from farebox.completion.votes import MAX_CHARS, TRAITS, steps


def said(learned: str, prefix: str, suffix: str = "") -> str:
    shelf = Shelf()
    shelf.learn("a.py", learned)
    draft = Draft(shelf)
    draft.read(prefix)
    return "".join(step.text for step in steps(draft, suffix))


def test_the_text_that_followed_the_same_context_follows():
    assert said("with open(path) as file:\n    read(file)", "with open(").startswith(
        "path) as file:\n    read(file)"
    )


def test_a_word_that_is_begun_is_finished():
    assert said("self.assert_called_with(x)", "self.asse").startswith("rt_called_with(x)")


def test_a_word_is_known_wherever_it_stood():
    assert said("value = compute_everything\n", "x = (compute_e").startswith("verything")


def test_a_block_is_indented_as_it_is_here():
    learned = "for x in xs:\n    if x:\n        use(x)\n"
    assert said(learned, "def f():\n\tfor x in xs:").startswith("\n\t    if x:\n\t        use(x)")


def test_the_longer_context_outvotes_the_shorter_ones():
    learned = "alpha.beta(one)\n" * 3 + "gamma = alpha.beta(two)\n"
    assert said(learned, "x\ngamma = alpha.beta(").startswith("two")


def test_the_place_of_the_cursor_in_the_saved_file_has_no_vote():
    saved = "open_it(first)\nclose_it(first)\nopen_it(second)\nend()\n"
    assert said(saved, "open_it(", "second)\nend()\n").startswith("first")


def test_nothing_is_said_where_nothing_is_known():
    assert said("", "") == ""
    assert said("a b c", "x y z") == ""


def test_a_step_tells_every_trait_and_all_steps_are_bounded():
    shelf = Shelf()
    shelf.learn("a.py", "word " * 1_000)
    draft = Draft(shelf)
    draft.read("word word word")
    found = list(steps(draft, ""))
    assert all(len(step.traits) == len(TRAITS) for step in found)
    assert len("".join(step.text for step in found)) < 2 * MAX_CHARS
