"""OpenRouter's list of models: recorded entries, hand-computed invoices, and whatever a stranger may send."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.messages import Usage
from farebox.providers.json_value import JsonObject, parse_object
from farebox.providers.listing import MAX_MODELS, ListedPrices, find, kept, listed_in
from support.openrouter_models import entry, models, priced
from support.recorded import ABSENT, FIXTURES, INDEX

RESERVED = Usage(input_tokens=1_000, output_tokens=100)


def prices_of(pricing: dict[str, object]) -> ListedPrices | None:
    return listed_in(models(entry(pricing=pricing)))["acme/new"].prices


# --- entries -----------------------------------------------------------------------------------


def test_an_entry_is_read():
    listed = listed_in(models(entry("Acme/New", expiration_date="2026-12-31T00:00:00Z")))["acme/new"]
    assert (listed.id, listed.canonical_slug) == ("Acme/New", "Acme/New-20261101")
    assert (listed.context_length, listed.max_completion_tokens) == (100_000, 32_000)
    assert listed.input_modalities == {"text", "image"}
    assert listed.supported_parameters == {"tools", "reasoning", "max_tokens"}
    assert listed.efforts == ("none", "low", "medium", "high")
    assert not listed.must_reason
    assert listed.expires == "2026-12-31"


@pytest.mark.parametrize(
    ("reasoning", "efforts", "must"),
    [
        pytest.param(None, (), False, id="none"),
        pytest.param({"mandatory": False}, (), False, id="not known which"),
        pytest.param({"supported_efforts": ["high", "low"]}, ("low", "high"), False, id="not said"),
        pytest.param({"mandatory": True, "supported_efforts": ["low", "odd", 1]}, ("low",), True, id="must"),
    ],
)
def test_efforts_are_sorted_and_none_is_one_where_a_model_need_not_reason(
    reasoning: object, efforts: tuple[str, ...], must: bool
):
    listed = listed_in(models(entry(reasoning=reasoning)))["acme/new"]
    assert (listed.efforts, listed.must_reason) == (efforts, must)


@pytest.mark.parametrize(
    ("window", "top", "smallest"),
    [
        pytest.param(1_000_000, {"context_length": 200_000}, 200_000, id="the host gives less"),
        pytest.param(8_000, {"context_length": 200_000}, 8_000, id="the host could give more"),
        pytest.param(8_000, None, 8_000, id="the host says nothing"),
        pytest.param(None, {"context_length": 0}, None, id="nobody says"),
        pytest.param(-1, {"context_length": "200"}, None, id="nonsense"),
    ],
)
def test_a_context_is_the_smallest_that_is_given(window: object, top: object, smallest: int | None):
    listed = listed_in(models(entry(context_length=window, top_provider=top)))["acme/new"]
    assert listed.context_length == smallest


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"id": ""}, id="no id"),
        pytest.param({"id": "a b"}, id="an id with a space"),
        pytest.param({"id": "a\x1b[2J"}, id="an id that steers a terminal"),
        pytest.param({"id": "x" * 201}, id="an id without end"),
        pytest.param({"architecture": {}}, id="no modality"),
    ],
)
def test_an_entry_without_what_matters_is_left_out(change: dict[str, object]):
    assert list(listed_in(models({**entry(), **change}, entry("b/c")))) == ["b/c"]


def test_no_more_than_so_many_entries_are_read():
    many = models(*(entry(f"a/{number}") for number in range(MAX_MODELS + 5)))
    assert len(listed_in(many)) == MAX_MODELS
    assert len(kept(many)) == MAX_MODELS


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("acme/new", "acme/new", id="its id"),
        pytest.param(" ACME/New ", "acme/new", id="in capitals"),
        pytest.param("acme/new:nitro", "acme/new", id="an ending that steers"),
        pytest.param("acme/new:free", "acme/new:free", id="a variant of its own"),
        pytest.param("acme/other:free", None, id="no such variant"),
        pytest.param("acme/none", None, id="unknown"),
    ],
)
def test_a_model_is_found_by(name: str, found: str | None):
    known = listed_in(models(entry(), entry("acme/new:free"), entry("acme/other")))
    listed = find(known, name)
    assert (listed.id if listed is not None else None) == found


# --- prices ------------------------------------------------------------------------------------

STEP: dict[str, object] = {
    "min_prompt_tokens": 200_000,
    "prompt": "0.000006",
    "completion": "0.0000225",
    "input_cache_read": "0.0000006",
    "input_cache_write": "0.0000075",
    "input_cache_write_1h": "0.000012",
}
SONNET: dict[str, object] = {
    "prompt": "0.000003",
    "completion": "0.000015",
    "input_cache_read": "0.0000003",
    "input_cache_write": "0.00000375",
    "input_cache_write_1h": "0.000006",
    "overrides": [STEP],
}


@pytest.mark.parametrize(
    ("pricing", "usage", "usd"),
    [
        pytest.param(
            SONNET,
            Usage(
                input_tokens=100_000,
                cached_input_tokens=80_000,
                cache_write_tokens=5_000,
                output_tokens=2_000,
            ),
            "0.11775",  # 15k * 3 + 80k * .3 + 5k * 3.75 + 2k * 15 for a million
            id="read-and-written",
        ),
        pytest.param(
            SONNET,
            Usage(input_tokens=200_000, cached_input_tokens=190_000, output_tokens=1_000),
            "0.1965",  # 10k * 6 + 190k * .6 + 1k * 22.5
            id="from-the-step-on",
        ),
        pytest.param(SONNET, Usage(input_tokens=199_999), "0.599997", id="below-the-step"),
        pytest.param(
            {"prompt": "1e-7", "completion": "4E-7", "request": "0.005"},
            Usage(input_tokens=10, output_tokens=10),
            "0.005005",
            id="a-price-for-the-request",
        ),
        pytest.param(
            {"prompt": "0", "completion": "0.000001", "internal_reasoning": "0.000003"},
            Usage(output_tokens=100, reasoning_tokens=60),
            "0.00022",  # 40 * 1 + 60 * 3
            id="reasoning-priced-apart",
        ),
        pytest.param(
            {"prompt": "0", "completion": "0.000001", "internal_reasoning": "0"},
            Usage(output_tokens=100, reasoning_tokens=60),
            "0.0001",
            id="reasoning-not-priced-apart",
        ),
        pytest.param({"prompt": "0", "completion": "0"}, RESERVED, "0", id="free"),
        pytest.param({"prompt": "0.1", "completion": "0", "image": None}, RESERVED, "100", id="a-null"),
    ],
)
def test_an_invoice_is_met(pricing: dict[str, object], usage: Usage, usd: str):
    prices = prices_of(pricing)
    assert prices is not None
    assert prices.cost_usd(usage) == Decimal(usd)


@pytest.mark.parametrize(
    "pricing",
    [
        pytest.param({}, id="none"),
        pytest.param({"prompt": "0.1"}, id="one is missing"),
        pytest.param({"prompt": "-1", "completion": "-1"}, id="it varies"),
        pytest.param({"prompt": "0.1", "completion": "0.1", "request": "-1"}, id="one varies"),
        pytest.param({"prompt": "0.1", "completion": "NaN"}, id="no number"),
        pytest.param({"prompt": "0.1", "completion": "Infinity"}, id="no end"),
        pytest.param({"prompt": "0.1", "completion": "1e999999"}, id="too much"),
        pytest.param({"prompt": "0.1", "completion": "1e-999999"}, id="too little"),
        pytest.param({"prompt": "0.1", "completion": 0.1}, id="no string"),
        pytest.param({"prompt": "0.1", "completion": "0." + "1" * 40}, id="too long"),
    ],
)
def test_a_price_that_can_not_be_read_is_not_known(pricing: dict[str, object]):
    assert prices_of(pricing) is None


@pytest.mark.parametrize(
    "usage",
    [
        pytest.param(Usage(input_tokens=1, cached_input_tokens=2), id="more cached than sent"),
        pytest.param(Usage(output_tokens=1, reasoning_tokens=2), id="more thought than written"),
        pytest.param(Usage(input_tokens=-1), id="negative"),
    ],
)
def test_counts_that_contradict_each_other_have_no_cost(usage: Usage):
    prices = prices_of(SONNET)
    assert prices is not None
    assert prices.cost_usd(usage) is None


def test_a_price_by_the_hour_is_not_known_but_the_most_that_it_may_be_is():
    by_night: dict[str, object] = {"utc_start": "16:30", "utc_end": "00:30", "prompt": "0.000002"}
    prices = prices_of({"prompt": "0.000001", "completion": "0", "overrides": [by_night]})
    assert prices is not None
    assert prices.cost_usd(RESERVED) is None
    assert prices.most_usd(RESERVED) == Decimal("0.002")
    cheap = prices_of({"prompt": "0.000003", "completion": "0", "overrides": [by_night]})
    assert cheap is not None
    assert cheap.most_usd(RESERVED) == Decimal("0.003")


def test_the_most_counts_pictures_and_the_step():
    prices = prices_of({**SONNET, "image": "0.01"})
    assert prices is not None
    assert prices.most_usd(RESERVED, images=3) == Decimal("0.0345")  # 1k * 3 + 100 * 15, and 3 cents
    assert prices.most_usd(Usage(input_tokens=300_000)) == Decimal("1.8")
    assert prices.per_million_usd() == (Decimal(3), Decimal(15))


# --- what is kept ------------------------------------------------------------------------------


def test_what_is_kept_says_the_same_and_is_much_smaller():
    night: dict[str, object] = {"utc_start": "16:30", "prompt": "0.1"}
    sent = models(
        entry(), entry("a/b", pricing={**SONNET, "overrides": [STEP, night]}),
        priced("c/d", "-1", "-1"), entry("e/f", reasoning=None, expiration_date="2027-01-01"),
    )  # fmt: skip
    again = json.loads(json.dumps({"data": kept(sent)}))
    assert listed_in(again) == listed_in(sent)
    assert len(json.dumps(again)) < 0.8 * len(json.dumps(sent))


@pytest.mark.skipif(not INDEX.is_file(), reason=ABSENT)
@pytest.mark.parametrize("name", ["062.json", "063.json"])
def test_a_recorded_answer_is_read_whole(name: str):
    body = (FIXTURES / "openrouter" / name).read_text("utf-8")
    table = parse_object(body)
    assert table is not None
    listed = listed_in(table)
    ids = {model["id"] for model in json.loads(body)["data"]}
    assert set(listed) == ids
    assert all(model.prices is not None and model.context_length for model in listed.values())
    assert listed_in({"data": kept(table)}) == listed
    assert listed["anthropic/claude-sonnet-4"].context_length == 200_000
    prices = listed["anthropic/claude-sonnet-4"].prices
    assert prices is not None
    assert prices.overrides[0].certain


_words = st.sampled_from([*entry(), "prompt", "completion", "overrides", "min_prompt_tokens", "mandatory"])
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=30)
    | st.sampled_from(["0.1", "1e-7", "none"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_words, inner, max_size=6),
    max_leaves=30,
)


@given(st.dictionaries(_words, _values).map(lambda change: {**entry(), **change}))
def test_whatever_an_entry_holds_it_is_read_and_kept_alike(item: JsonObject):
    sent = {"data": [item]}
    again = json.loads(json.dumps({"data": kept(sent)}))
    assert listed_in(again) == listed_in(sent)
    for model in listed_in(sent).values():
        if model.prices is not None:
            known = model.prices.cost_usd(RESERVED)
            assert known is None or 0 <= known <= model.prices.most_usd(RESERVED)
