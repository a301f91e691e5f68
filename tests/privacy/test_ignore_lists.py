"""The lines of one ignore file: none that names a path is passed over, whatever makes the choice fast."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.patterns import Pattern, parse
from farebox.privacy.ignore_lists import fold, ignore_list

NAMES = st.sampled_from(["a", "B", "é", "\u0130", "\u017fs", "ß", "\u212a", "build", "c.py", "x.tar.gz", " "])
GLOBS = st.sampled_from(["*", "**", "*.py", "?", "[ab]", "\\*", "a*", "*.tar.*", "src**", "!", " ", "\\ "])
LINES = st.builds(
    lambda mark, names, end: mark + "/".join(names) + end,
    st.sampled_from(["", "!", "/", "!/", "#"]),
    st.lists(NAMES | GLOBS, min_size=1, max_size=4),
    st.sampled_from(["", "/", " ", "  ", "/ ", " /"]),
)
PATHS = st.lists(NAMES | st.sampled_from(["i", "K", "SS", "É", "srca"]), min_size=1, max_size=5).map(
    lambda names: "/" + "/".join(names)
)


def names_something(pattern: Pattern, path: str) -> bool:
    ends = [at for at in range(1, len(path) + 1) if at == len(path) or path[at] == "/"]
    return pattern.covers(path) or any(pattern.names(path, end) for end in ends)


@given(lines=st.lists(LINES, max_size=8, unique=True), path=PATHS)
def test_every_pattern_that_names_something_on_a_path_is_found_in_its_order(lines: list[str], path: str):
    listed = ignore_list("\n".join(lines).encode())
    found = listed.about(path)
    every: list[Pattern] = []
    for line in lines:
        try:
            every += parse(line)
        except ValueError:
            continue
    asked = [pattern for pattern in every if pattern in found]
    assert [pattern for pattern in found if pattern in every] == asked
    assert not [pattern.text for pattern in every if pattern not in found and names_something(pattern, path)]


def test_a_path_is_folded_as_a_pattern_without_case_compares():
    """All letters of which a pattern takes one for another; sets show them at once."""
    letters = [chr(code) for code in range(0x20, 0x1_0000) if chr(code).lower() != chr(code).upper()]
    text = "".join(letters)
    for letter in letters:
        alike = re.findall(re.escape(letter), text, re.IGNORECASE)
        assert {fold(one) for one in alike} == {fold(letter)}, letter


@pytest.mark.timeout(20)
def test_only_what_a_path_may_have_to_do_with_is_made_a_pattern():
    lines = ignore_list("".join(f"/gen/out{number}/\n*.e{number}x\n" for number in range(1_900)).encode())
    assert [pattern.text for pattern in lines.about("/gen/out7/a.py")] == ["/gen/out7/"]
    assert [pattern.text for pattern in lines.about("/src/a.E12x")] == ["*.e12x"]
