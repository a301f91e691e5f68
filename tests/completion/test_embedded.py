"""Suggestions out of the user's own files."""

import gc
from threading import Event, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farebox.completion.embedded import MAX_DRAFTS, Embedded, Suggestion
from farebox.completion.shelf import Shelf
from farebox.completion.window import Window

LEARNED = """\
def connect(host, port):
    connection = socket.create_connection((host, port), timeout=DEFAULT_TIMEOUT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
"""
TEXTS = st.text(
    st.one_of(st.sampled_from("ab_( )\n\t.=:\"'"), st.characters(exclude_categories=["Cs"])), max_size=80
)


def suggest(embedded: Embedded, prefix: str, suffix: str = "", language: str = "python") -> str | None:
    found = embedded.suggest(Window("b", language, prefix, suffix))
    return None if found is None else found.text


def taught(*texts: str, language: str = "python", times: int = 8) -> Embedded:
    embedded = Embedded()
    for number, text in enumerate(texts * times):
        embedded.learn(f"{number}.py", language, text)
    return embedded


def shelves_alive() -> int:
    gc.collect()
    return sum(isinstance(one, Shelf) for one in gc.get_objects())


def test_the_workspace_goes_on_where_the_same_text_stood_before():
    embedded = taught(LEARNED)
    found = embedded.suggest(Window("b", "python", "def f():\n    connection = socket.create_conn", ""))
    assert isinstance(found, Suggestion)
    assert found.text.startswith("ection((host, port)")
    assert 0.5 < found.confidence <= 1


def test_the_document_itself_counts():
    text = "".join(f"register_handler(name_{letter}, handle_all)\n" for letter in "abcdef")
    assert (suggest(Embedded(), text + "register_h") or "").startswith("andler")


def test_an_unknown_text_gets_no_suggestion():
    assert suggest(Embedded(), "import ") is None
    assert suggest(taught(LEARNED), "") is None
    assert suggest(taught(LEARNED), "zebra = ") is None


def test_a_forgotten_file_is_not_suggested_from():
    embedded = taught(LEARNED)
    for number in range(8):
        embedded.forget(f"{number}.py")
    embedded.forget("never-learned.py")
    assert suggest(embedded, "connection = socket.create_conn") is None


def test_a_file_learned_again_is_known_as_it_is_now():
    embedded = Embedded()
    for number in range(8):
        embedded.learn(f"{number}.py", "python", "value = compute_the_old_way(argument)\n" * 2)
        embedded.learn(f"{number}.py", "python", "value = compute_the_new_way(argument)\n" * 2)
    text = suggest(embedded, "value = comp")
    assert text is not None
    assert text.startswith("ute_the_new_way")


def test_languages_do_not_mix_but_for_their_own_family():
    embedded = taught("const handler = createRequestHandler(options)\n" * 2, language="javascript")
    prefix = "const handler = createReq"
    assert (suggest(embedded, prefix, language="typescript") or "").startswith("uestHandler")
    assert suggest(embedded, prefix, language="python") is None


def test_a_file_that_changes_its_language_changes_shelves():
    embedded = Embedded()
    for number in range(8):
        embedded.learn(f"{number}.h", "c", "local all = initialise_everything(context);\n")
        embedded.learn(f"{number}.h", "lua", "local all = initialise_everything(context)\n")
    assert suggest(embedded, "local all = initialise_ever", language="c") is None
    assert suggest(embedded, "local all = initialise_ever", language="lua") is not None


@pytest.mark.parametrize(
    ("prefix", "suffix"),
    [
        pytest.param("connection = socket.create_conn", "ection((host, port))", id="inside-a-word"),
        pytest.param("connection = socket", ".create_connection((host, port), timeout=DEFAULT", id="same"),
        pytest.param(
            "    connection = socket.create_connection((host, port), timeout=DEFAULT_TIMEOUT)\n",
            "    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)\n",
            id="next-line",
        ),
    ],
)
def test_what_stands_after_the_cursor_is_not_suggested(prefix: str, suffix: str):
    assert suggest(taught(LEARNED), prefix, suffix) is None


def test_a_closer_that_the_editor_has_typed_is_left_out():
    embedded = taught("log.warning(message)\n" * 8, times=40)
    before = "log.warning(message)\nlog.warning("
    assert suggest(embedded, before, ")\n") == "message"
    assert (suggest(embedded, before, "\n") or "").startswith("message)")


def test_a_key_is_not_suggested():
    embedded = taught('API_KEY = "correct-horse-battery"\nPLACE_ON = "correct-horse-battery"\n' * 3)
    assert suggest(embedded, 'API_KEY = "corr') is None
    assert suggest(embedded, 'PLACE_ON = "corr') is not None


def test_the_oldest_files_make_room():
    embedded = Embedded(max_tokens=800)
    for number in range(20):
        embedded.learn(f"{number}.py", "python", f"self.{chr(97 + number)}_is_called(argument)\n" * 20)
    assert suggest(embedded, "self.a_is") is None
    assert (suggest(embedded, "self.t_is") or "").startswith("_called")


def test_only_the_last_drafts_are_kept():
    embedded = taught(LEARNED)
    for number in range(MAX_DRAFTS + 5):
        embedded.suggest(Window(f"{number}.py", "python", "connection = socket.create_conn", ""))
    assert len(embedded._drafts) == MAX_DRAFTS


def test_drafts_keep_no_shelf_that_was_tidied():
    embedded = taught(LEARNED)
    before = shelves_alive()
    for document in "abc":
        embedded.suggest(Window(document, "python", "connection = socket.create_conn", ""))
        old = embedded._shelves["python"]
        while embedded._shelves["python"] is old:
            embedded.learn("large.py", "python", "x = 1\n" * 5_000)
        del old
    assert suggest(embedded, "connection = socket.create_conn")
    assert shelves_alive() == before


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5), st.lists(TEXTS, max_size=3))
@settings(deadline=None, max_examples=60)
def test_any_text_anywhere_is_no_trouble(windows: list[tuple[str, str]], files: list[str]):
    embedded = Embedded()
    for number, text in enumerate(files):
        embedded.learn(f"{number}.x", "", text * 3)
    for prefix, suffix in windows:
        embedded.suggest(Window("b", "", prefix, suffix))
        embedded.learn("b", "", prefix + suffix)
    for number in range(len(files)):
        embedded.forget(f"{number}.x")


@given(st.integers(0, len(LEARNED)), st.integers(0, len(LEARNED)))
@settings(deadline=None, max_examples=100)
def test_a_suggestion_never_repeats_what_stands_right_after_the_cursor(first: int, second: int):
    embedded = taught(LEARNED, times=2)
    suffix = LEARNED[second:]
    text = suggest(embedded, LEARNED[:first], suffix)
    if text is not None:
        assert text.strip()
        assert not suffix.lstrip().startswith(text.strip())


@given(st.integers(1, len(LEARNED)))
@settings(deadline=None)
def test_a_suggestion_in_a_saved_file_is_not_the_text_that_is_there(cut: int):
    embedded = taught(LEARNED)
    text = suggest(embedded, LEARNED[:cut], LEARNED[cut:])
    assert text is None or not LEARNED[cut:].startswith(text)


def test_suggestions_are_given_while_another_thread_learns():
    embedded = taught(LEARNED)
    done = Event()

    def work() -> None:
        for number in range(60):
            embedded.learn(f"more{number % 7}.py", "python", LEARNED * (number % 5 + 1))
            embedded.forget(f"more{number % 3}.py")
        done.set()

    worker = Thread(target=work)
    worker.start()
    asked = 0
    prefix = "def f():\n    connection = socket.create_conn"
    while not done.is_set() or asked == 0:
        text = suggest(embedded, prefix[: len(prefix) - asked % 5])
        assert text is None or "ection" in text
        asked += 1
    worker.join()
    assert suggest(embedded, prefix) is not None
