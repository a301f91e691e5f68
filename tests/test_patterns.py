"""Patterns mean what they mean to git, and no accepted one takes long, whoever wrote it."""

import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farebox import patterns
from farebox.patterns import (
    MAX_LENGTH,
    MAX_PATTERN_LENGTH,
    MAX_PATTERN_WILDCARDS,
    MAX_PATTERNS,
    MAX_WILDCARDS,
)

LONGEST_NAME, LONGEST_PATH = 255, 4096

WORST_CASE_CPU_S = 2.0
"""Forty times what the worst that we found takes; a search that goes back and forth takes years."""


def check(path: str, *texts: str) -> str | None:
    patterns.check(texts)
    return patterns.matching([pattern for text in texts for pattern in patterns.parse(text)], path)


# --- what a pattern means ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "matches", "others"),
    [
        pytest.param("secret", ["secret", "a/secret", "secret/b"], ["secrets", "a/my-secret"], id="a-name"),
        pytest.param("secret/", ["secret/a", "b/secret/a"], ["secret", "b/secret"], id="a-folder"),
        pytest.param("/secret", ["secret", "secret/a"], ["a/secret"], id="at-the-root"),
        pytest.param("a/b", ["a/b", "a/b/c"], ["x/a/b", "a/x/b"], id="a-slash-anchors"),
        pytest.param("a/**", ["a/b", "a/b/c"], ["a", "x/a/b"], id="all-inside"),
        pytest.param("a/**/b", ["a/b", "a/x/b", "a/x/y/b/c"], ["a/xb", "b"], id="any-folders-between"),
        pytest.param("**/a/b", ["a/b", "x/y/a/b"], ["a/x/b"], id="any-folders-before"),
        pytest.param("**/secrets/**/*.json", ["secrets/a.json", "x/secrets/y/a.json"], ["a.json"], id="both"),
        pytest.param("*.min.*.js", ["a.min.b.js", ".min..js"], ["a.min.js"], id="stars-in-a-name"),
        pytest.param("*a*a", ["aa", "xaxa", "aaa"], ["a", "aab"], id="pieces-do-not-share-a-letter"),
        pytest.param(".env.*", [".env.local", "x/.env."], [".env"], id="a-star-may-be-nothing"),
        pytest.param("a?c", ["abc", "a\nc"], ["ac", "a/c"], id="any-letter"),
        pytest.param("a[!b]c", ["axc"], ["abc", "a/c"], id="all-letters-but"),
        pytest.param("a[^b]c", ["axc"], ["abc", "a/c"], id="all-letters-but-as-in-git"),
        pytest.param("a[+-9]c", ["a1c"], ["a/c", "axc"], id="a-range-has-no-slash"),
        pytest.param("*.py[cod]", ["a.pyc", "b/a.pyd"], ["a.py", "a.pyx"], id="one-of"),
        pytest.param("a[]-]", ["a]", "a-"], ["a", "ab"], id="a-bracket-in-brackets"),
        pytest.param("a[[b~~&&||]", ["a[", "a&"], ["ac", "a]"], id="what-python-may-read-as-sets"),
        pytest.param("\\#a", ["#a"], ["\\#a", "a"], id="a-hash"),
        pytest.param("\\!a", ["!a"], ["a"], id="an-exclamation-mark"),
        pytest.param("a\\*", ["a*"], ["ab"], id="a-star-that-is-none"),
        pytest.param("a  ", ["a"], ["a  "], id="spaces-at-the-end"),
        pytest.param("a\\ ", ["a "], ["a"], id="a-space-that-is-meant"),
        pytest.param("**", ["a", "a/b"], [], id="all"),
        pytest.param("a**/b", ["ab", "ax/b", "a/x/y/b"], ["a/bx", "xa/b"], id="stars-behind-a-beginning"),
        pytest.param("c/a**", ["c/a", "c/ab", "c/ab/d"], ["a", "c/b"], id="stars-behind-the-last-name"),
        pytest.param("a**/", ["ab/c", "d/a/c"], ["a", "ab"], id="stars-behind-the-only-name"),
        pytest.param("*/", ["a/b"], ["a"], id="all-folders"),
        pytest.param("secret", ["a\nb/secret"], [], id="a-line-end-in-a-folder"),
        pytest.param("(a|b)+.$^{1}", ["(a|b)+.$^{1}"], ["a", "b"], id="no-regular-expression"),
        pytest.param("# note", [], ["# note", "note"], id="a-comment"),
        pytest.param("/", [], ["a", "a/b"], id="only-a-slash"),
    ],
)
def test_a_pattern_matches_as_in_git(pattern: str, matches: list[str], others: list[str]):
    assert [path for path in matches if check(path, pattern) != pattern] == []
    assert [path for path in others if check(path, pattern) is not None] == []


NAMES = st.text("abA.", min_size=1, max_size=3).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PARTS = [
    "a",
    "b",
    "A",
    ".",
    "*",
    "**",
    "***",
    "?",
    "/",
    "/",
    "/",
    "[ab]",
    "[a-b]",
    "[!a]",
    "[\\]a]",
    "\\a",
    "\\*",
    " ",
]
PATTERNS = st.builds(
    lambda mark, parts: mark + "".join(parts),
    st.sampled_from(["", "", "", "!"]),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=8),
)
NAMED_PATTERNS = st.sampled_from(
    [
        "a",
        "b",
        "a/",
        "/a",
        "*",
        "*/",
        "!a",
        "!b",
        "!*/",
        "!a/b",
        "a/*",
        "a/**",
        "*.a",
        "!*.a",
        "a**/b",
        "a**/",
        "a/b**",
        "ab**/**/a/",
        "!a**/b",
        "/a**//",
    ]
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


def ignored_by_git(repository: Path, texts: list[str], paths: list[str]) -> set[str]:
    """Ask git itself, where case does not matter."""
    (repository / ".gitignore").write_text("\n".join(texts) + "\n", "utf-8")
    asked = "".join(f"{path}\0" for path in paths)
    command = ["git", "-c", "core.ignorecase=true", "check-ignore", "--no-index", "-z", "--stdin"]
    answer = subprocess.run(command, cwd=repository, input=asked, capture_output=True, text=True, check=False)
    assert answer.returncode in (0, 1), answer.stderr
    return {path for path in answer.stdout.split("\0") if path}


@settings(max_examples=300, deadline=None)
@given(
    texts=st.lists(PATTERNS | NAMED_PATTERNS, min_size=1, max_size=4),
    paths=st.lists(PATHS, min_size=1, max_size=30, unique=True),
)
def test_a_list_means_what_it_means_to_git(repository: Path, texts: list[str], paths: list[str]):
    try:
        patterns.check(texts)
    except ValueError:  # such as "!", which git takes for nothing
        return
    expected = ignored_by_git(repository, texts, paths)
    assert {path for path in paths if check(path, *texts) is not None} == expected


# --- what is refused, and what is not ------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        pytest.param(["!"], "nothing follows the !", id="nothing-negated"),
        pytest.param(["a[b"], "'a[b' is no pattern as in a .gitignore file: a [ has no ]", id="bracket"),
        pytest.param(["a\\"], "nothing follows a \\", id="escape"),
        pytest.param(["[b-a]"], "bad character range", id="range"),
        pytest.param(["[[:alpha:]]"], "[[:alpha:]]", id="class"),
        pytest.param(
            ["x" * (MAX_PATTERN_LENGTH + 1)],
            f"'{'x' * 40}…' has {MAX_PATTERN_LENGTH + 1} characters, and at most {MAX_PATTERN_LENGTH} are",
            id="length",
        ),
        pytest.param(
            ["*a" * (MAX_PATTERN_WILDCARDS + 1)],
            f"has {MAX_PATTERN_WILDCARDS + 1} wildcards, and at most {MAX_PATTERN_WILDCARDS} are",
            id="wildcards",
        ),
        pytest.param(["x"] * (MAX_PATTERNS + 1), f"at most {MAX_PATTERNS} are", id="many"),
        pytest.param(["x" * 100] * (MAX_LENGTH // 100 + 1), f"at most {MAX_LENGTH} are", id="all-lengths"),
        pytest.param(["*[a]"] * (MAX_WILDCARDS // 2 + 1), f"at most {MAX_WILDCARDS} are", id="all-wildcards"),
    ],
)
def test_what_is_refused_is_named(texts: list[str], words: str):
    with pytest.raises(ValueError, match=r"allowed|no pattern") as raised:
        patterns.check(texts)
    assert words in str(raised.value)


def test_what_people_write_is_accepted():
    """Lines of the best known collections of .gitignore files, the widest among them."""
    lines = [
        "*.py[cod]",
        "*$py.class",
        ".env*",
        "!.env.example",
        "*.min.*.js",
        "**/secrets/**/*.json",
        "~$*.doc*",
        "._*",
        "*~",
        "*.sw[a-p]",
        "report.[0-9]*.[0-9]*.[0-9]*.[0-9]*.json",
        "[Dd]ebug[Pp]ublic/",
        "*.[Pp]ublish.xml",
        "[Ww][Ii][Nn]32/",
        ".yarn/*",
        "**/[Pp]ackages/*",
        "!**/[Pp]ackages/build/",
        "hs_err_pid*",
        "npm-debug.log*",
        "_ReSharper*/",
        "*.VC.VC.opendb",
        "[._]*.s[a-v][a-z]",
        "[._]ss[a-gi-z]",
        ".idea/**/workspace.xml",
        "cmake-build-*/",
        "/packages/*/node_modules/",
        "[Cc][Rr][Ee][Dd][Ee][Nn][Tt][Ii][Aa][Ll][Ss]*.[Jj][Ss][Oo][Nn]",
        "Icon?",
        "*.tfvars*",
        "terraform.tfstate.*.backup",
    ]
    patterns.check([*lines, "# a comment", ""])
    patterns.check([f"folder-{number}/*.log" for number in range(MAX_WILDCARDS)])


# --- work ----------------------------------------------------------------------------------------


def repeated(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]


def path_of(name: str) -> str:
    return repeated(name + "/", LONGEST_PATH).strip("/")


def fill(pattern: str) -> list[str]:
    """Repeat a pattern until the whole list meets a bound."""
    texts: list[str] = []
    with pytest.raises(ValueError, match="the whole list"):  # noqa: PT012  the last turn is meant to raise
        for _ in range(MAX_PATTERNS + 1):
            texts.append(pattern)
            patterns.check(texts)
    return texts[:-1]


def spent_s(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


WORST_PATHS = [path_of("a" * length) for length in (1, 2, 8, 63, LONGEST_NAME)]


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("*a*a*a*a*a*a*a*a*a*a*a*ab", id="stars"),
        pytest.param("*" + "a" * 120 + "b*", id="a-long-piece"),
        pytest.param("*" + "?" * 120 + "b*", id="any-letters"),
        pytest.param("*" + "[a-z]" * 30 + "b*", id="ranges"),
        pytest.param("*" + "[!b]" * 30 + "b*", id="negated-sets"),
        pytest.param("**/a" * 30 + "/**/b", id="folders"),
        pytest.param("**/" + "*a/" * 30 + "b", id="a-chain-of-names"),
        pytest.param("**/" + "?/" * 90 + "b", id="a-chain-of-letters"),
        pytest.param("**/*a*b/**/*a*b/**/*a*b", id="stars-and-folders"),
    ],
)
def test_the_worst_lists_that_are_accepted_take_bounded_work(pattern: str):
    texts = fill(pattern)
    for path in WORST_PATHS:
        assert spent_s(partial(check, path, *texts)) < WORST_CASE_CPU_S


HOSTILE = st.lists(
    st.sampled_from(["a", "b", "*", "*a", "**", "**/", "/", "?", "[ab]", "[!b]", "[a-z]", "a*"]),
    min_size=1,
    max_size=60,
)


@settings(deadline=None)
@given(
    parts=HOSTILE, ends=st.sampled_from(["", "b", "/b", "/"]), name=st.text("ab", min_size=1, max_size=255)
)
def test_no_accepted_pattern_takes_more_than_bounded_work(parts: list[str], ends: str, name: str):
    text = "".join(parts) + ends
    try:
        patterns.check([text])
    except ValueError:
        return
    for path in (name, path_of(name), *WORST_PATHS):
        assert spent_s(partial(check, path, text)) < WORST_CASE_CPU_S
