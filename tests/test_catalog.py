"""The catalogue is data: these tests hold it to genai-prices, to itself and to what people type."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import get_args

import pytest
from genai_prices.data_snapshot import get_snapshot

from farebox.catalog import Capability, Catalog, ModelInfo, Thinking, load
from farebox.messages import ReasoningEffort, Target, Tier, Usage
from farebox.prices import cost_nanodollars, per_million_usd

CATALOG = load()
VENDORS = [
    "openrouter",
    "openai",
    "anthropic",
    "google",
    "mistral",
    "deepseek",
    "groq",
    "cerebras",
    "xai",
    "zai",
    "together",
    "ollama",
]
PRICE_IDS = {vendor: vendor for vendor in VENDORS if vendor != "ollama"} | {"xai": "x-ai"}
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)

MODELS = [pytest.param(model, id=model.name) for model in CATALOG.models.values()]
PAID = [
    pytest.param(vendor, model_id, id=f"{vendor}/{model_id}")
    for model in CATALOG.models.values()
    for vendor, model_id in model.ids.items()
    if vendor in PRICE_IDS
]
ORDERS = [pytest.param(CATALOG.preferred("complete", "balanced"), id="complete")] + [
    pytest.param(CATALOG.preferred("chat", tier), id=tier) for tier in get_args(Tier)
]


def known_window(vendor: str, model_id: str) -> int | None:
    if vendor not in PRICE_IDS:
        return None
    return get_snapshot().find_provider_model(model_id, None, PRICE_IDS[vendor], None)[1].context_window


def output_usd(model: ModelInfo, vendor: str) -> float:
    price = per_million_usd(PRICE_IDS[vendor], model.ids[vendor], at=AT)[1]
    assert price is not None
    return float(price)


# --- the data ----------------------------------------------------------------------------------


def test_is_read_once() -> None:
    assert load() is CATALOG


@pytest.mark.parametrize(("vendor", "model_id"), PAID)
def test_every_vendor_id_has_a_known_price(vendor: str, model_id: str) -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
    cost = cost_nanodollars(usage, price_id=PRICE_IDS[vendor], model=model_id, at=AT)
    assert cost is not None
    assert cost > 0


@pytest.mark.parametrize("model", MODELS)
def test_the_context_window_is_the_smallest_that_a_vendor_is_known_to_give(model: ModelInfo) -> None:
    windows = [known_window(vendor, model_id) for vendor, model_id in model.ids.items()]
    known = [window for window in windows if window is not None]
    if known:
        assert model.context_window == min(known)


@pytest.mark.parametrize("model", MODELS)
def test_an_entry_speaks_only_known_words(model: ModelInfo) -> None:
    assert model.tier in get_args(Tier)
    assert model.capabilities <= set(get_args(Capability))
    assert model.ids
    assert set(model.ids) <= set(VENDORS)
    assert model.name == model.name.lower()
    assert model.name.count("/") == 1
    if model.context_window is not None and model.max_output_tokens is not None:
        assert model.max_output_tokens < model.context_window


@pytest.mark.parametrize("model", MODELS)
def test_efforts_go_from_weak_to_strong(model: ModelInfo) -> None:
    assert list(model.efforts) == [effort for effort in get_args(ReasoningEffort) if effort in model.efforts]
    assert not model.efforts or "reasoning" in model.capabilities


@pytest.mark.parametrize("model", MODELS)
def test_it_is_known_how_every_claude_model_thinks_and_of_no_other(model: ModelInfo) -> None:
    assert (model.thinking in get_args(Thinking)) is ("anthropic" in model.ids)
    if model.thinking == "adaptive":
        assert {"low", "medium", "high"} <= set(model.efforts)


@pytest.mark.parametrize(
    ("model_id", "thinking"),
    [
        ("claude-haiku-5-5", "adaptive"),
        ("claude-opus-5-5", "adaptive"),
        ("claude-sonnet-4-5-20250929", "budget"),
        ("claude-opus-4-5", "budget"),
    ],
)
def test_newer_claude_models_think_by_an_effort_older_ones_by_a_budget(
    model_id: str, thinking: Thinking
) -> None:
    info = CATALOG.info("anthropic", model_id)
    assert info is not None
    assert info.thinking == thinking


@pytest.mark.parametrize("model", MODELS)
def test_the_maker_comes_before_the_broker(model: ModelInfo) -> None:
    vendors = CATALOG.vendors_of(model.name)
    if set(vendors) - {"openrouter", "ollama"}:
        assert vendors[0] not in {"openrouter", "ollama"}


def test_no_vendor_id_and_no_short_name_means_two_models() -> None:
    ids = [(vendor, i.lower()) for model in CATALOG.models.values() for vendor, i in model.ids.items()]
    assert len(ids) == len(set(ids))
    last_parts = [name.rpartition("/")[2] for name in CATALOG.models]
    assert len(last_parts) == len(set(last_parts))


@pytest.mark.parametrize("vendor", sorted(PRICE_IDS))
def test_no_fast_model_costs_more_than_a_strong_one_of_the_same_maker(vendor: str) -> None:
    def prices(maker: str, tier: Tier) -> list[float]:
        return [
            output_usd(model, vendor)
            for model in CATALOG.models.values()
            if model.name.startswith(f"{maker}/") and model.tier == tier and vendor in model.ids
        ]

    for maker in {name.partition("/")[0] for name in CATALOG.models}:
        fast, strong = prices(maker, "fast"), prices(maker, "strong")
        assert not fast or not strong or max(fast) < min(strong), maker


def test_every_alias_means_a_model() -> None:
    for alias, name in CATALOG.aliases.items():
        assert name in CATALOG.models, alias
        assert CATALOG.resolve_alias(alias) == name
        assert alias == alias.lower()
        assert "/" not in alias
        assert alias not in VENDORS or alias == "deepseek"


# --- what `auto` prefers -----------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
def test_every_preferred_model_exists_once(order: tuple[str, ...]) -> None:
    assert set(order) <= set(CATALOG.models)
    assert len(order) == len(set(order))


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("order", ORDERS)
def test_whoever_has_only_one_vendor_has_a_preferred_model(order: tuple[str, ...], vendor: str) -> None:
    assert any(CATALOG.target(name, vendor) for name in order)


def test_tab_completion_prefers_only_fast_models_whatever_the_tier() -> None:
    orders = {CATALOG.preferred("complete", tier) for tier in get_args(Tier)}
    assert len(orders) == 1
    assert {CATALOG.models[name].tier for name in orders.pop()} == {"fast"}


def test_other_tasks_follow_the_chat_orders() -> None:
    assert CATALOG.preferred("fix", "strong") == CATALOG.preferred("chat", "strong")
    assert "strong" not in {CATALOG.models[name].tier for name in CATALOG.preferred("chat", "fast")}


@pytest.mark.parametrize("tier", get_args(Tier))
def test_the_first_of_a_tiers_order_is_of_that_tier(tier: Tier) -> None:
    assert CATALOG.models[CATALOG.preferred("chat", tier)[0]].tier == tier


@pytest.mark.parametrize("vendor", sorted(PRICE_IDS))
def test_a_stronger_tier_never_begins_with_a_cheaper_model(vendor: str) -> None:
    def first(tier: Tier) -> float:
        name = next(n for n in CATALOG.preferred("chat", tier) if CATALOG.target(n, vendor))
        return output_usd(CATALOG.models[name], vendor)

    assert all(cheaper <= dearer for cheaper, dearer in pairwise(map(first, get_args(Tier))))


@pytest.mark.parametrize(
    ("providers", "expected"),
    [
        pytest.param(["openai", "anthropic"], Target("anthropic", "claude-opus-5-5"), id="best-first"),
        pytest.param(
            ["openrouter", "anthropic"],
            Target("openrouter", "anthropic/claude-opus-5.5"),
            id="caller's-order",
        ),
        pytest.param(["openai"], Target("openai", "gpt-6.1-sol"), id="not-the-dearest"),
        pytest.param(["ollama"], Target("ollama", "devstral:24b"), id="local"),
        pytest.param(["workstation"], None, id="unknown"),
        pytest.param([], None, id="none"),
    ],
)
def test_the_strongest_is_the_best_that_can_be_reached(providers: list[str], expected: Target | None) -> None:
    assert CATALOG.strongest(providers) == expected


# --- look-ups ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "model_id", "expected"),
    [
        pytest.param("openrouter", "anthropic/claude-sonnet-4.5", "anthropic/claude-sonnet-4.5", id="plain"),
        pytest.param(
            "openrouter", "anthropic/claude-sonnet-4.5:nitro", "anthropic/claude-sonnet-4.5", id="nitro"
        ),
        pytest.param("openrouter", "qwen/qwen3-coder:free", "qwen/qwen3-coder", id="free"),
        pytest.param("openrouter", "z-ai/glm-4.7:floor", "z-ai/glm-4.7", id="floor"),
        pytest.param(
            "anthropic", "claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4.5", id="compact-date"
        ),
        pytest.param("openai", "gpt-5-mini-2025-08-07", "openai/gpt-5-mini", id="dashed-date"),
        pytest.param("zai", "GLM-4.7", "z-ai/glm-4.7", id="case"),
        pytest.param("ollama", "qwen2.5-coder:7b-base", "qwen/qwen2.5-coder-7b", id="local-variant"),
        pytest.param("openai", "gpt-5-mini:nitro", None, id="variants-belong-to-their-vendor"),
        pytest.param("anthropic", "anthropic/claude-sonnet-4.5", None, id="another-vendor's-id"),
        pytest.param("workstation", "qwen2.5-coder:7b", None, id="unknown-provider"),
        pytest.param("openrouter", "", None, id="empty"),
    ],
)
def test_a_model_is_known_by_what_its_vendor_calls_it(
    provider: str, model_id: str, expected: str | None
) -> None:
    info = CATALOG.info(provider, model_id)
    assert (info.name if info else None) == expected


@pytest.mark.parametrize("model", MODELS)
def test_targets_and_look_ups_agree(model: ModelInfo) -> None:
    for vendor in CATALOG.vendors_of(model.name):
        target = CATALOG.target(model.name, vendor)
        assert target is not None
        assert CATALOG.info(target.provider, target.model) is model


def test_what_is_not_sold_has_no_target() -> None:
    assert CATALOG.target("anthropic/claude-sonnet-5.5", "openai") is None
    assert CATALOG.target("nobody/nothing", "openrouter") is None
    assert CATALOG.vendors_of("nobody/nothing") == ()


@pytest.mark.parametrize(
    ("alias", "expected"),
    [
        pytest.param("sonnet-4.5", "anthropic/claude-sonnet-4.5", id="protocol-sonnet"),
        pytest.param("opus-4", "anthropic/claude-opus-4", id="protocol-opus"),
        pytest.param("flash-2.5", "google/gemini-2.5-flash", id="protocol-flash"),
        pytest.param(" Sonnet ", "anthropic/claude-sonnet-5.5", id="case-and-space"),
        pytest.param("gpt-5-mini", "openai/gpt-5-mini", id="last-part"),
        pytest.param("codestral", "mistralai/codestral", id="codestral"),
        pytest.param("z-ai/glm-4.7", None, id="a-path-is-no-alias"),
        pytest.param("auto", None, id="auto-is-the-router's"),
    ],
)
def test_short_names_resolve(alias: str, expected: str | None) -> None:
    assert CATALOG.resolve_alias(alias) == expected


@pytest.mark.parametrize(
    ("text", "providers", "expected"),
    [
        pytest.param("z-ai/glm-4.7", "openrouter", "openrouter/z-ai/glm-4.7", id="the-protocol's-example"),
        pytest.param("z-ai/glm-4.7", "openai zai", "zai/glm-4.7", id="the-maker-is-configured"),
        pytest.param(
            "z-ai/glm-9", "openrouter", "openrouter/z-ai/glm-9", id="unknown-model-of-a-known-maker"
        ),
        pytest.param(
            "anthropic/claude-sonnet-4.5", "openrouter", "openrouter/anthropic/claude-sonnet-4.5", id="maker"
        ),
        pytest.param(
            "anthropic/claude-sonnet-4.5", "anthropic openrouter", "anthropic/claude-sonnet-4-5", id="dots"
        ),
        pytest.param(
            "claude-sonnet-4.5", "openrouter", "openrouter/anthropic/claude-sonnet-4.5", id="no-provider"
        ),
        pytest.param(
            "openrouter/sonnet-4.5", "openrouter", "openrouter/anthropic/claude-sonnet-4.5", id="alias-at"
        ),
        pytest.param("Sonnet_4-5", "anthropic", "anthropic/claude-sonnet-4-5", id="alias-spelling"),
        pytest.param("sonet-4.5", "anthropic", "anthropic/claude-sonnet-4-5", id="typo-alias"),
        pytest.param("gpt5-mini", "openai", "openai/gpt-5-mini", id="missing-dash"),
        pytest.param("gemini-2.5-falsh", "google", "google/gemini-2.5-flash", id="typo-model"),
        pytest.param("mistal/codestral-latest", "mistral", "mistral/codestral-latest", id="typo-provider"),
        pytest.param("claude-sonnet-6", "anthropic", "anthropic/claude-sonnet-5-5", id="no-such-version"),
        pytest.param("qwen2.5-coder:7b", "ollama", "ollama/qwen2.5-coder:7b", id="local"),
        pytest.param("z-ai/glm-4.7", "openai", None, id="not-sold-here"),
        pytest.param("nobody/nothing", "openrouter", None, id="unknown-maker"),
        pytest.param("openai/gpt-99", "groq", None, id="not-a-broker"),
        pytest.param("banana", "openrouter openai", None, id="nonsense"),
        pytest.param("", "openrouter", None, id="empty"),
        pytest.param("x" * 100_000, "openrouter", None, id="endless"),
        pytest.param("sonnet", "", None, id="no-providers"),
    ],
)
def test_says_what_was_probably_meant(text: str, providers: str, expected: str | None) -> None:
    assert CATALOG.suggest(text, providers.split()) == expected


def test_a_suggestion_is_always_a_model_at_one_of_the_providers() -> None:
    for name in [*CATALOG.models, *CATALOG.aliases]:
        for vendor in VENDORS:
            if (suggestion := CATALOG.suggest(name, [vendor])) is not None:
                assert suggestion.startswith(f"{vendor}/")


def test_the_catalogue_cannot_be_changed() -> None:
    model = CATALOG.models["openai/gpt-5-mini"]
    with pytest.raises(TypeError):
        model.ids["openai"] = "other"  # pyright: ignore[reportIndexIssue] - that is what is tested
    with pytest.raises(TypeError):
        CATALOG.models["x"] = model  # pyright: ignore[reportIndexIssue] - that is what is tested
    assert isinstance(CATALOG, Catalog)
    assert hash(model) == hash(CATALOG.models["openai/gpt-5-mini"])
