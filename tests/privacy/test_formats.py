"""The list of secrets' formats is what its reader takes it for."""

import re

from farebox.privacy.formats import START_CHARS, formats, known

KEYS = {"kind", "pattern", "starts", "marks", "before", "near"}


def test_each_format_has_a_way_to_be_met_and_a_pattern_that_compiles():
    for one in known():
        assert bool(one.starts) + bool(one.marks) + bool(one.near) == 1, one.kind
        assert re.compile(one.pattern).groups <= 1, one.kind
        assert all(len(start) >= START_CHARS for start in one.starts), one.kind
        assert one.near is None or one.near == one.near.lower(), one.kind
        assert not one.before or one.marks, one.kind


def test_kinds_are_told_apart_and_there_are_many():
    kinds = [one.kind for one in known()]
    assert len(kinds) == len(set(kinds)) >= 45
    assert max(map(len, kinds)) <= 30


def test_every_format_is_looked_for():
    met = {one.kind for those in formats().by_start.values() for one in those}
    met |= {one.kind for _, one in formats().by_mark}
    met |= {one.kind for _, those in formats().by_word for one in those}
    assert met == {one.kind for one in known()}
