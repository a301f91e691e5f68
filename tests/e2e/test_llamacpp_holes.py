"""Against a real llama.cpp and a small model: real holes in five languages, through the whole path."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.client import AUTOMATIC, INVOKED, Client
from support.holes import CONFIG, WAIT_S, Hole, fill, holes, parses, table, whole_share
from support.llama import POLL_S, LlamaServer, Proxy, serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

FEWEST_WHOLE = 0.8


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    with serving("qwen", tmp_path_factory.mktemp("llama")) as server:
        yield server


@pytest.fixture
def proxy(llama: LlamaServer) -> Iterator[Proxy]:
    llama.wait_idle()
    with Proxy.before(llama.port) as proxy:
        yield proxy


def a_client(folder: Path, proxy: Proxy) -> Client:
    environment = {"FAREBOX_LOCAL_BASE_URL": f"http://127.0.0.1:{proxy.port}/v1"}
    return Client(folder, config=CONFIG, environment=environment)


def test_the_files_are_whole_with_what_stood_in_their_holes() -> None:
    every = list(holes())
    assert len(every) >= 20
    assert len({hole.language for hole in every}) >= 5
    assert all(parses(hole.language, hole.filled(hole.truth)) for hole in every)
    assert not parses("go", "func (")
    assert not parses("python", "def (")


def test_most_holes_are_filled_with_something_whole(tmp_path: Path, proxy: Proxy) -> None:
    """Both ways of one hole follow each other: llama.cpp reads its prompt once."""
    with a_client(tmp_path, proxy) as client:
        client.initialize()
        both = [(fill(client, hole, INVOKED), fill(client, hole, AUTOMATIC)) for hole in list(holes())[::2]]
    invoked, automatic = zip(*both, strict=True)
    print(f"\ninvoked\n{table(invoked)}\nautomatic\n{table(automatic)}")
    assert sum(filling.text is not None for filling in invoked) >= FEWEST_WHOLE * len(invoked)
    assert whole_share([*invoked, *automatic]) >= FEWEST_WHOLE
    assert set(proxy.posts) == {"/infill"}


def test_typing_across_a_running_generation_sends_no_second_request(tmp_path: Path, proxy: Proxy) -> None:
    hole = next(hole for hole in holes() if (hole.file, hole.number) == ("stock.py", 2))
    (tmp_path / "first").mkdir()
    with a_client(tmp_path / "first", proxy) as client:
        client.initialize()
        expected = fill(client, hole).text
    assert expected is not None
    assert len(expected) > 6
    before = len(proxy.posts)
    (tmp_path / "second").mkdir()
    with a_client(tmp_path / "second", proxy) as client:
        client.initialize()
        shown = type_across(client, proxy, hole, expected, before)
    assert shown
    assert len(proxy.posts) - before == 1


def type_across(client: Client, proxy: Proxy, hole: Hole, expected: str, before: int) -> object:
    """Ask, and type the beginning of the answer while the model writes it; return what is shown then."""
    line, character = hole.place
    uri = hole.uri(AUTOMATIC)
    client.open(uri, hole.filled(""), hole.language)
    asked = [client.ask_ghost(uri, line, character, AUTOMATIC)]
    deadline = time.monotonic() + WAIT_S
    while len(proxy.posts) == before:
        assert time.monotonic() < deadline, "no request came"
        time.sleep(POLL_S)
    for at, key in enumerate(expected[:3]):
        client.type(uri, line, character + at, key)
        asked.append(client.ask_ghost(uri, line, character + at + 1, AUTOMATIC))
    items = client.answer(asked[-1], WAIT_S)["items"]
    assert isinstance(items, list)
    return items[0]["insertText"] if items else None


def test_the_doctor_finds_out_which_forms_work(tmp_path: Path, proxy: Proxy) -> None:
    with a_client(tmp_path, proxy) as client:
        client.initialize()
        checks = client.request("farebox/doctor", {"probe": True}, WAIT_S)["checks"]
    assert isinstance(checks, list)
    (found,) = [check for check in checks if check["name"] == "completion form"]
    print(f"\n{found['message']}")
    assert found["state"] == "ok"
    assert ": infill " in str(found["message"])
