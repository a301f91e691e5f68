"""Every spelling of a path, and what of it a model is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.privacy.names import below, plain, shown_name, spellings

ROOTS = ("/ws/app", "/ws/lib")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param("/ws/.env.", "/ws/.env", id="a-dot-at-the-end"),
        pytest.param("/ws/.env  ", "/ws/.env", id="spaces-at-the-end"),
        pytest.param("/ws/.ssh./id", "/ws/.ssh/id", id="a-dot-behind-a-folder"),
        pytest.param("/ws/.env::$DATA", "/ws/.env", id="a-stream"),
        pytest.param("/ws/%2eenv", "/ws/.env", id="an-encoded-dot"),
        pytest.param("/ws/a/%2E%2E/.env", "/ws/.env", id="encoded-dots"),
        pytest.param("/ws/a%2f..%2f.env", "/ws/.env", id="an-encoded-slash"),
        pytest.param("C:/ws/.env. ", "C:/ws/.env", id="on-a-drive"),
        pytest.param("/ws/.e\u200cnv", "/ws/.env", id="what-macos-passes-over"),
        pytest.param("/ws/cafe\u0301.py", "/ws/caf\u00e9.py", id="decomposed"),
    ],
)
def test_a_path_has_other_spellings(path: str, name: str):
    assert name in [spelled.as_posix() for spelled in spellings(path)]


@given(st.text())
def test_any_path_has_itself_among_its_spellings(path: str):
    found = list(spellings(path))
    assert found[0] == plain(path)
    assert len(found) <= 7


def test_a_folder_may_be_spelled_in_another_case():
    assert below(plain("/WS/App/src/a.py"), "/ws/app") == "src/a.py"
    assert below(plain("/ws/application/a.py"), "/ws/app") == ""
    assert below(plain("/ws/app"), "/ws/app") == ""


# --- what a model is told of a file's place ------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param("/ws/app/src/main.py", "src/main.py", id="below-a-root"),
        pytest.param("/ws/lib/a.py", "a.py", id="below-another-root"),
        pytest.param("/ws/app/../lib/./b//a.py", "b/a.py", id="spelled-in-a-roundabout-way"),
        pytest.param("/Users/ann/notes/a.py", "a.py", id="outside"),
        pytest.param("/ws/app/../../Users/ann/a.py", "a.py", id="outside-by-dots"),
        pytest.param("C:\\Users\\ann\\a.py", "a.py", id="a-drive"),
        pytest.param("src/main.py", "src/main.py", id="relative-already"),
        pytest.param("the terminal", "the terminal", id="no-path"),
        pytest.param("untitled:Untitled-1", "untitled:Untitled-1", id="no-file-yet"),
        pytest.param('/ws/app/say "hi"\n\u2028.py', "say 'hi' .py", id="what-would-end-the-quotes"),
    ],
)
def test_a_model_is_told_a_name_below_the_workspace(path: str, name: str):
    assert shown_name(path, ROOTS) == name


@given(path=st.text(), root=st.text())
def test_a_name_never_ends_its_quotes_nor_its_line(path: str, root: str):
    name = shown_name(path, (root, "/ws"))
    assert '"' not in name
    assert len(name.splitlines()) <= 1


@given(folder=st.text("abc. /\\", min_size=1), file=st.text("abc", min_size=1))
def test_no_folder_outside_the_workspace_is_told(folder: str, file: str):
    assert shown_name(f"/Users/{folder}/{file}", ()) == file
