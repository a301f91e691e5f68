"""Who is left alone after a failure, with the reason that a user reads, and who is asked all the same.

The door on a clock that is moved by hand; ``test_health`` has the rules by themselves.
"""

import asyncio
import re
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.errors import RateLimited
from farebox.messages import FellBack, Retrying, Route
from farebox.router.classify import Facts
from farebox.router.health import FIRST_LIMITED_S
from farebox.router.request import Request
from support.failing import HELLO, Heard, House, a_house, a_request, healthy
from support.upstream import Answer, json_answer

CHAIN = '[tasks]\nchat = ["one/m", "two/m"]\n'
HOURS_S = 3 * 3600.0
FREE = "openrouter/qwen/qwen3-coder:free"
OTHER_FREE = "openrouter/z-ai/glm-4.5-air:free"
BROKER = {"OPENROUTER_API_KEY": "k-1"}


def limited(**headers: str) -> Answer:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return json_answer({"error": {"message": "slow down"}}, status=429, headers=fields)


def used_up(resets_s: float) -> Answer:
    """Refuse as OpenRouter does when the day's free requests are used up; the reset is in milliseconds."""
    reset = str(round((time.time() + resets_s) * 1000))
    headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    metadata = {"limit_source": "openrouter_free_tier_daily", "headers": headers}
    error = {"code": 429, "message": "Rate limit exceeded: free-models-per-day", "metadata": metadata}
    return json_answer({"error": error}, status=429)


def crowded(model: str) -> Answer:
    """Refuse as OpenRouter does when a host's pool, which all users share, is used up."""
    words = f"{model} is temporarily rate-limited upstream. Please retry shortly."
    metadata = {"raw": words, "provider_name": "Chutes", "error_type": "rate_limit_exceeded"}
    error = {"code": 429, "message": "Provider returned error", "metadata": metadata}
    return json_answer({"error": error}, status=429)


async def dropped(house: House, request: Request) -> dict[str, str]:
    """Return who would be left out, and why."""
    return reasons(await house.door().route(request))


def reasons(route: Route) -> dict[str, str]:
    found = [one for one in route.candidates if one.verdict == "dropped"]
    assert all(one.why.strip() for one in route.candidates)
    return {one.target.name: one.why for one in found}


def served(heard: Heard) -> str:
    assert heard.failure is None, heard.failure
    assert heard.done is not None
    return heard.done.route.target.name


def models_asked(house: House, name: str) -> list[object]:
    return [request.json["model"] for request in house[name].requests if request.method == "POST"]


# --- every reason --------------------------------------------------------------------------------

TWO = '[tasks]\nchat = ["{0}", "one/m"]\n'
PRICED = "openrouter/openai/gpt-5-mini"
NO_TOOLS = "openrouter/qwen/qwen2.5-coder-7b-instruct"


@pytest.mark.parametrize(
    ("model", "config", "environment", "options", "why"),
    [
        pytest.param("openai/gpt-5-mini", "", {}, {}, "no key for openai", id="no key"),
        pytest.param(
            "openai/gpt-5-mini", "", {"OPENAI_API_KEY": "a b"}, {}, "OPENAI_API_KEY", id="a bad key"
        ),
        pytest.param("local/m", "", {}, {}, "the provider local has no address", id="no address"),
        pytest.param(
            NO_TOOLS,
            "",
            BROKER,
            {"input_bytes": 4 * 40_000},
            r"about 40000 tokens don't fit into openrouter/qwen/\S+'s 32768",
            id="context",
        ),
        pytest.param(
            "openrouter/qwen/qwen3-coder", "", BROKER, {"images": 1}, "can't read images", id="images"
        ),
        pytest.param(NO_TOOLS, "", BROKER, {"facts": Facts(tools=True)}, "can't call tools", id="tools"),
        pytest.param(
            "mistral/codestral-latest",
            "[privacy]\nlocal_only = true\n",
            {"MISTRAL_API_KEY": "k"},
            {},
            "is not on this machine, and local-only mode is on",
            id="local-only",
        ),
        pytest.param(
            PRICED,
            "[budgets]\nrequest_usd = 0.00001\n",
            BROKER,
            {"input_bytes": 400_000},
            r"may cost \$0\.0\d+, and one request may cost at most \$0.00001",
            id="too dear for one request",
        ),
        pytest.param(
            "two/m",
            "[budgets]\nrequest_usd = 1\n",
            {},
            {},
            r"has no known price, and one request may cost at most \$1.00",
            id="no price for one request",
        ),
        pytest.param(
            PRICED,
            "[budgets]\ndaily_usd = 0.00001\n",
            BROKER,
            {"input_bytes": 400_000},
            r"may cost \$0\.0\d+, and the daily budget has \$0.00001 left",
            id="budget",
        ),
    ],
)
async def test_whoever_is_left_out_has_a_reason_and_is_not_asked(
    *,
    tmp_path: Path,
    model: str,
    config: str,
    environment: dict[str, str],
    options: dict[str, object],
    why: str,
):
    settings = TWO.format(model) + config
    names, own = ("one", "two", "openrouter"), {"one": "free = true"}
    async with a_house(tmp_path, *names, config=settings, environment=environment, own=own) as house:
        request = replace(a_request(), **options)  # type: ignore[arg-type]
        found = await dropped(house, request)
        assert list(found) == [model]
        assert re.search(why, found[model]), found[model]
        heard = await house.ask(request)
        assert served(heard) == "one/m"
        assert heard.done is not None
        assert reasons(heard.done.route) == found
        assert house.log == ["one"]


async def test_who_would_tell_more_people_is_left_out_with_the_promise_that_it_would_break(tmp_path: Path):
    """From the user's own server auto goes to nobody elsewhere, not even when the server fails."""
    environment = {"MISTRAL_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
    async with a_house(tmp_path, "local", environment=environment) as house:
        house["local"].how = lambda _: json_answer({"data": [{"id": "m"}]}, status=503)
        request = a_request("auto", task="complete")
        found = await dropped(house, request)
        assert set(found) >= {"mistral/codestral-latest", "anthropic/claude-haiku-5-5"}
        for name, why in found.items():
            assert why == f"{name} does not take over from local/default, which is on this machine"
        heard = await house.ask(request)
        assert heard.failure is not None
        assert set(house.log) == {"local"}


# --- after a limit -------------------------------------------------------------------------------


async def test_after_a_limit_the_next_route_says_who_is_left_alone_for_how_long_and_why(tmp_path: Path):
    async with a_house(tmp_path, "one", "two", config=CHAIN) as house:
        house["one"].fail(limited(Retry_After="60"))
        assert served(await house.ask(a_request())) == "two/m"
        words = "one/m is left alone for {} s more (one answered 429: slow down)"
        assert await dropped(house, a_request()) == {"one/m": words.format(60)}
        house.clock.move(19)
        heard = await house.ask(a_request())
        assert house.log == ["one", "two", "two"]
        assert not [event for event in heard.events if isinstance(event, FellBack | Retrying)]
        assert heard.done is not None
        assert reasons(heard.done.route) == {"one/m": words.format(41)}
        house["one"].fail(HELLO)
        house.clock.move(41)
        assert await dropped(house, a_request()) == {}
        assert served(await house.ask(a_request())) == "one/m"


async def test_while_one_request_finds_out_the_others_are_told_so(tmp_path: Path):
    async with a_house(tmp_path, "one", "two", config=CHAIN) as house:
        house["one"].fail(limited(Retry_After="60"))
        await house.ask(a_request())
        house.clock.move(60)
        probe = house.door().send(a_request()).events()
        await anext(probe)
        assert await dropped(house, a_request()) == {
            "one/m": "one/m failed before, and one request is finding out whether it is back "
            "(one answered 429: slow down)"
        }
        await probe.aclose()
        assert await dropped(house, a_request()) == {}, "it was stopped: the next one finds out"


async def test_a_burst_whose_first_model_fails_sends_one_request_to_a_second_that_may_be_back(
    tmp_path: Path,
):
    chains = '[tasks]\nchat = ["one/m", "two/m", "three/m"]\nfix = ["two/m", "three/m"]\n'
    async with a_house(tmp_path, "one", "two", "three", config=chains) as house:
        house["two"].fail(limited(Retry_After="60"))
        await house.ask(a_request(task="fix"))
        house.clock.move(60)
        house.log.clear()
        house["one"].fail(json_answer({}, status=402))
        burst = await asyncio.gather(*[house.ask(a_request()) for _ in range(20)])
        assert {served(heard) for heard in burst} == {"three/m"}
        assert Counter(house.log) == {"one": 20, "two": 1, "three": 20}


async def test_a_limit_of_the_only_model_is_told_at_once(tmp_path: Path):
    async with a_house(tmp_path, "one") as house:
        house["one"].fail(limited(Retry_After="60"))
        await house.ask(a_request("one/m"))
        heard = await house.ask(a_request("one/m"))
        assert isinstance(heard.failure, RateLimited)
        assert (heard.failure.retry_after_s, heard.events) == (60, [])
        assert "left alone for 60 s more (one answered 429: slow down)" in heard.failure.message
        assert house.log == ["one"]
        assert len(await house.rows()) == 1, "what was not sent has no row"


async def test_a_limit_at_one_model_leaves_the_providers_others(tmp_path: Path):
    chain = '[tasks]\nchat = ["one/big", "one/small", "two/m"]\n'
    async with a_house(tmp_path, "one", "two", config=chain) as house:
        house["one"].fail(limited(Retry_After="60"), ["big"])
        assert served(await house.ask(a_request())) == "one/small"
        assert list(await dropped(house, a_request())) == ["one/big"]
        assert served(await house.ask(a_request())) == "one/small"
        assert models_asked(house, "one") == ["big", "small", "small"]


@pytest.mark.parametrize("way", ["environment", "file", "client"])
async def test_another_key_is_asked_again_at_once(tmp_path: Path, way: str):
    settings = '[tasks]\nchat = ["groq/llama-3.3-70b-versatile", "one/m"]\n'
    environment = {"GROQ_API_KEY": "key-1"} if way == "environment" else {}
    async with a_house(tmp_path, "groq", "one", config=settings, environment=environment) as house:
        if way == "file":
            house.app.keys.store("groq", "key-1")
        elif way == "client":
            house.app.set_key("groq", "key-1")
        house["groq"].fail(limited(Retry_After="3600"))
        assert served(await house.ask(a_request())) == "one/m"
        assert served(await house.ask(a_request())) == "one/m"
        assert house.log == ["groq", "one", "one"]
        house["groq"].fail(HELLO)
        if way == "file":
            house.app.keys.store("groq", "key-2")
        else:  # what the editor sets goes before the environment
            house.app.set_key("groq", "key-2")
        assert served(await house.ask(a_request())) == "groq/llama-3.3-70b-versatile"
        assert house["groq"].requests[-1].headers["authorization"] == "Bearer key-2"
        if way != "file":
            house.app.set_key("groq", "key-1")
            assert list(await dropped(house, a_request())) == ["groq/llama-3.3-70b-versatile"]


# --- OpenRouter's two limits ---------------------------------------------------------------------


async def test_a_days_free_requests_that_are_used_up_are_not_asked_for_again_until_the_day_is_over(
    tmp_path: Path,
):
    settings = f'[tasks]\nchat = ["{FREE}", "{OTHER_FREE}", "one/m"]\n'
    async with a_house(tmp_path, "openrouter", "one", config=settings, environment=BROKER) as house:
        house["openrouter"].fail(used_up(HOURS_S))
        heard = await house.ask(a_request())
        assert served(heard) == "one/m"
        assert not [event for event in heard.events if isinstance(event, Retrying)]
        asked = len(models_asked(house, "openrouter"))
        for _ in range(3):
            assert served(await house.ask(a_request())) == "one/m"
        assert len(models_asked(house, "openrouter")) == asked, "the next requests don't ask either"
        found = await dropped(house, a_request())
        assert list(found) == [FREE, OTHER_FREE]
        assert all("is left alone for 3 h more (openrouter answered 429" in why for why in found.values())
        heard = await house.ask(a_request(FREE))
        assert isinstance(heard.failure, RateLimited)
        assert len(models_asked(house, "openrouter")) == asked
        house["openrouter"].fail(HELLO)
        assert served(await house.ask(a_request(PRICED))) == PRICED, "what is paid for is another matter"
        house.clock.move(HOURS_S + 1)
        assert served(await house.ask(a_request())) == FREE


async def test_a_days_limit_is_one_for_all_free_models_already_in_the_same_request(tmp_path: Path):
    settings = f'[tasks]\nchat = ["{FREE}", "{OTHER_FREE}", "one/m"]\n'
    async with a_house(tmp_path, "openrouter", "one", config=settings, environment=BROKER) as house:
        house["openrouter"].fail(used_up(HOURS_S))
        assert served(await house.ask(a_request())) == "one/m"
        assert len(models_asked(house, "openrouter")) == 1


async def test_a_crowded_pool_is_left_at_once_and_for_a_moment(tmp_path: Path):
    settings = f'[tasks]\nchat = ["{FREE}", "{OTHER_FREE}"]\n'
    async with a_house(tmp_path, "openrouter", config=settings, environment=BROKER) as house:
        name = FREE.partition("/")[2]
        house["openrouter"].fail(crowded(name), [name])
        heard = await house.ask(a_request())
        assert served(heard) == OTHER_FREE
        (told,) = [event for event in heard.events if isinstance(event, FellBack | Retrying)]
        assert isinstance(told, FellBack)
        assert "temporarily rate-limited upstream" in told.error
        assert len(models_asked(house, "openrouter")) == 2
        assert list(await dropped(house, a_request())) == [FREE]
        house["openrouter"].fail(HELLO)
        house.clock.move(FIRST_LIMITED_S)
        assert served(await house.ask(a_request())) == FREE


# --- a plan's token ------------------------------------------------------------------------------

SONNET = "anthropic/claude-sonnet-5-5"
TOKEN = {"ANTHROPIC_AUTH_TOKEN": "token-1", "OPENROUTER_API_KEY": "k-1"}
BROKERED = "openrouter/anthropic/claude-sonnet-5.5"


@pytest.mark.parametrize("hint", ["retry-after", "unified-reset"])
async def test_a_plan_that_is_used_up_goes_on_at_the_broker_until_it_begins_anew(tmp_path: Path, hint: str):
    async with a_house(tmp_path, "anthropic", "openrouter", environment=TOKEN) as house:
        headers = (
            {"retry-after": str(round(HOURS_S))}
            if hint == "retry-after"
            else {
                "anthropic-ratelimit-unified-status": "rejected",
                "anthropic-ratelimit-unified-representative-claim": "five_hour",
                "anthropic-ratelimit-unified-reset": str(round(time.time() + HOURS_S)),
            }
        )
        error = {"type": "error", "error": {"type": "rate_limit_error", "message": "the limit is reached"}}
        house["anthropic"].fail(json_answer(error, status=429, headers=headers))
        heard = await house.ask(a_request(SONNET))
        assert served(heard) == BROKERED
        assert models_asked(house, "openrouter") == ["anthropic/claude-sonnet-5.5"]
        (told,) = [event for event in heard.events if isinstance(event, FellBack | Retrying)]
        assert isinstance(told, FellBack)
        assert (told.failed.name, told.error) == (SONNET, "anthropic answered 429: the limit is reached")
        for _ in range(3):
            heard = await house.ask(a_request(SONNET))
            assert served(heard) == BROKERED
            assert len(heard.events) == 4, "with no detour: the route, two words, the end"
        assert house.log == ["anthropic", *["openrouter"] * 4]
        why = (await dropped(house, a_request(SONNET)))[SONNET]
        assert why == f"{SONNET} is left alone for 3 h more (anthropic answered 429: the limit is reached)"
        house["anthropic"].how = healthy
        house.clock.move(HOURS_S - 60)
        assert served(await house.ask(a_request(SONNET))) == BROKERED
        house.clock.move(61)
        assert served(await house.ask(a_request(SONNET))) == SONNET
        assert house["anthropic"].requests[-1].headers["authorization"] == "Bearer token-1"
        assert house["openrouter"].requests[-1].headers["authorization"] == "Bearer k-1"


async def test_a_key_that_is_paid_by_use_does_not_go_on_at_the_broker(tmp_path: Path):
    keys = {"ANTHROPIC_API_KEY": "key-1", "OPENROUTER_API_KEY": "k-1"}
    async with a_house(tmp_path, "anthropic", "openrouter", environment=keys) as house:
        house["anthropic"].fail(limited(retry_after="3600"))
        heard = await house.ask(a_request(SONNET))
        assert isinstance(heard.failure, RateLimited)
        assert house.log == ["anthropic"]
