"""What a name means for a task, looked up once; ``test_plan.py`` has every kind of name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.errors import LocalOnly, MissingKey, ModelNotFound
from farebox.messages import Task
from farebox.router.classify import NO_FACTS, Work, classify
from farebox.router.menu import MAX_MENUS, Menus

Open = Callable[..., Menus]
KEY = {"OPENROUTER_API_KEY": "k"}


@pytest.fixture
def menus(tmp_path: Path) -> Open:
    def make(config: str = "", **environment: str) -> Menus:
        (tmp_path / "config.toml").write_text(config, "utf-8")
        folders = {"FAREBOX_HOME": str(tmp_path / "home"), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
        return App(Client(name="test"), environment={**folders, **environment}).door().planner.menus

    return make


def a(task: Task) -> Work:
    return classify(task, NO_FACTS, input_tokens=100)


def test_a_menu_is_put_together_once_for_each_name_and_task(menus: Open):
    made = menus(**KEY)
    assert made.menu(None, a("chat")) is made.menu(None, a("chat"))
    assert made.menu(None, a("chat")).offers[0].target != made.menu(None, a("complete")).offers[0].target
    assert made.menu("auto:cheap", a("chat")).strategy == "cheap"


def test_names_without_end_do_not_fill_the_memory(menus: Open):
    made = menus(**KEY)
    first = made.menu("openrouter/a/0", a("chat"))
    for number in range(MAX_MENUS + 1):
        assert made.menu(f"openrouter/a/{number}", a("chat")).requested == f"openrouter/a/{number}"
    assert made.menu("openrouter/a/0", a("chat")) is not first
    assert made.menu("openrouter/a/0", a("chat")) == first


def test_a_name_that_means_nothing_is_refused_each_time(menus: Open):
    made = menus(**KEY)
    for _ in range(2):
        with pytest.raises(ModelNotFound, match="no provider nowhere"):
            made.menu("nowhere/m", a("chat"))


def test_an_offer_says_what_keeps_it_from_being_used_and_what_its_model_can_do(menus: Open):
    asked = "openrouter/anthropic/claude-sonnet-4.5"
    (offer,) = menus().menu(asked, a("chat")).offers
    assert isinstance(offer.problem, MissingKey)
    (offer,) = menus("[privacy]\nlocal_only = true", **KEY).menu(asked, a("chat")).offers
    assert isinstance(offer.problem, LocalOnly)
    (offer,) = menus(**KEY).menu(asked, a("chat")).offers
    assert offer.problem is None
    assert offer.info is not None
    assert offer.info.context_window


def test_with_nothing_set_up_it_says_what_to_do(menus: Open):
    made = menus()
    assert made.menu(None, a("chat")).offers == ()
    assert made.ready_providers() == ()
    assert "OPENROUTER_API_KEY" in made.nothing_left().hint
