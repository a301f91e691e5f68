"""Reading what a stranger sent: a wrong shape reads as nothing and never raises."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.providers.json_value import (
    MAX_TOKEN_COUNT,
    MAX_VALUES,
    array,
    count,
    decimal,
    obj,
    parse_error,
    parse_object,
    text,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_every_reader_takes_any_value(value: object):
    table = {"a": value}
    assert isinstance(text(table, "a"), str)
    assert isinstance(array(table, "a"), list)
    assert isinstance(obj(table, "a", "b"), dict)
    assert isinstance(obj(value), dict)
    assert count(table, "a") is None or 0 <= (count(table, "a") or 0) <= MAX_TOKEN_COUNT
    assert decimal(table, "a") is None or (decimal(table, "a") or Decimal(0)).is_finite()


@given(values)
def test_only_an_object_parses(value: object):
    parsed = parse_object(json.dumps(value))
    assert (parsed is not None) == isinstance(value, dict)


def test_blanks_around_an_object_do_not_matter():
    assert parse_object(' \t\r\n{"a": 1} \t\r\n') == {"a": 1}


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("", id="nothing"),
        pytest.param("<html>", id="a page"),
        pytest.param("[1]", id="a list"),
        pytest.param('{"a": 1', id="cut off"),
        pytest.param('{"a": 1} x', id="something after it"),
        pytest.param('{"a": 1}{"a": 1}', id="two of them"),
        pytest.param('\u00a0{"a": 1}', id="a blank that is none in JSON"),
        pytest.param("[" * 100_000, id="nested without end"),
        pytest.param('{"a":' * 100_000, id="objects nested without end"),
        pytest.param('{"a": ' + "9" * 100_000 + "}", id="a number without end"),
        pytest.param('{"a": [' + "[]," * MAX_VALUES + "[]]}", id="lists without end"),
        pytest.param('{"a": [' + "1.5," * MAX_VALUES + "0]}", id="fractions without end"),
    ],
)
def test_what_is_no_object_reads_as_none(source: str):
    assert parse_object(source) is None


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param("0.0160614", Decimal("0.0160614"), id="fraction"),
        pytest.param("4.1400000000000003e-05", Decimal("0.000041400000000000003"), id="exponent"),
        pytest.param("1", Decimal(1), id="whole"),
        pytest.param("true", None, id="truth is no number"),
        pytest.param('"1"', None, id="a string is no number"),
        pytest.param("NaN", None, id="not a number"),
        pytest.param("Infinity", None, id="infinite"),
        pytest.param("null", None, id="null"),
    ],
)
def test_a_number_is_read_exactly_as_written(number: str, expected: Decimal | None):
    table = parse_object(f'{{"cost": {number}}}')
    assert table is not None
    assert decimal(table, "cost") == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(0, 0, id="zero"),
        pytest.param(MAX_TOKEN_COUNT, MAX_TOKEN_COUNT, id="the cap"),
        pytest.param(MAX_TOKEN_COUNT + 1, None, id="more than the cap"),
        pytest.param(-1, None, id="negative"),
        pytest.param(True, None, id="truth"),
        pytest.param(Decimal("1.5"), None, id="fraction"),
        pytest.param("1", None, id="string"),
    ],
)
def test_a_token_count_is(number: object, expected: int | None):
    assert count({"n": number}, "n") == expected


def test_a_long_text_of_few_values_is_read():
    words = "x" * 3_000_000
    assert parse_object(f'{{"a": "{words}"}}') == {"a": words}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param('{"error": 1}', {"error": 1}, id="an object"),
        pytest.param('[{"error": 1}]', {"error": 1}, id="a list that holds one"),
        pytest.param("[]", None, id="an empty list"),
        pytest.param("[1]", None, id="a list of something else"),
        pytest.param('"error"', None, id="a string"),
        pytest.param("<html>", None, id="a page"),
    ],
)
def test_an_error_body_reads_as(source: str, expected: object):
    assert parse_error(source) == expected
