"""A hole in the tokens of each model family, as its authors publish them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.families import Family, all_markers, as_comments, family_of
from farebox.completion.window import Snippet, Window

BAR = "\uff5c"  # DeepSeek's bar is a full-width one
HOLE = Window("a.py", "python", "P", "S")
SNIPPETS = (Snippet("/ws/b.py", "b.py", "B"), Snippet("/ws/c.py", "c.py", "C"))


def check(model: str) -> Family:
    family = family_of(model)
    assert family is not None
    return family


@pytest.mark.parametrize(
    ("model", "raw"),
    [
        pytest.param(
            "qwen2.5-coder:1.5b", "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>", id="qwen2.5-coder"
        ),
        pytest.param(
            "Qwen/Qwen3-Coder-30B-A3B", "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>", id="qwen3-coder"
        ),
        pytest.param("codestral-22b", "[SUFFIX]S[PREFIX]P", id="codestral-suffix-first"),
        pytest.param(
            "deepseek-coder:6.7b-base",
            f"<{BAR}fim▁begin{BAR}>P<{BAR}fim▁hole{BAR}>S<{BAR}fim▁end{BAR}>",
            id="deepseek-coder",
        ),
        pytest.param("starcoder2:3b", "<fim_prefix>P<fim_suffix>S<fim_middle>", id="starcoder2"),
        pytest.param("stable-code:3b", "<fim_prefix>P<fim_suffix>S<fim_middle>", id="stable-code"),
        pytest.param("codeqwen:7b", "<fim_prefix>P<fim_suffix>S<fim_middle>", id="codeqwen1.5"),
        pytest.param("codellama:7b-code", "<PRE> P <SUF>S <MID>", id="codellama"),
        pytest.param("codegemma:2b", "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>", id="codegemma"),
        pytest.param("Mellum-4b-base", "<fim_suffix>S<fim_prefix>P<fim_middle>", id="mellum"),
        pytest.param(
            "Seed-Coder-8B-Base", "<[fim-suffix]>S<[fim-prefix]>P<[fim-middle]>", id="seed-coder-suffix-first"
        ),
        pytest.param(
            "codegeex4-all-9b",
            "<|user|>\n###PATH:a.py\n###MODE:BLOCK\n"
            "<|code_suffix|>S<|code_prefix|>P<|code_middle|><|assistant|>\n",
            id="codegeex4",
        ),
        pytest.param("glm-4.5-air", "<|code_prefix|>P<|code_suffix|>S<|code_middle|>", id="glm-4"),
        pytest.param("granite4:3b", "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>", id="granite4"),
        pytest.param("granite3.3:2b", "<fim_prefix>P<fim_suffix>S<fim_middle>", id="granite3"),
    ],
)
def test_a_family_is_rendered_as_its_authors_publish_it(model: str, raw: str):
    family = check(model)
    assert family.raw(Window("a.py", "python", "P", "S")) == raw
    assert 1 <= len(family.stops) <= 4


@pytest.mark.parametrize(
    ("model", "stops"),
    [
        pytest.param(
            "qwen2.5-coder",
            ("<|endoftext|>", "<|fim_prefix|>", "<|file_sep|>", "<|repo_name|>"),
            id="qwen-coder",
        ),
        pytest.param("codellama", ("<EOT>", "<PRE>", "<SUF>", "<MID>"), id="codellama"),
        pytest.param(
            "codegemma", ("<|file_separator|>", "<end_of_turn>", "<|fim_prefix|>", "<eos>"), id="codegemma"
        ),
        pytest.param(
            "deepseek-coder",
            (
                f"<{BAR}fim▁begin{BAR}>",
                f"<{BAR}fim▁hole{BAR}>",
                f"<{BAR}fim▁end{BAR}>",
                f"<{BAR}end▁of▁sentence{BAR}>",
            ),
            id="deepseek-coder",
        ),
    ],
)
def test_a_family_stops_at_its_own_tokens(model: str, stops: tuple[str, ...]):
    assert check(model).stops == stops


def test_markers_are_whole_tokens_longest_first():
    markers = all_markers()
    assert "<|fim_middle|>" in markers
    assert "<MID>" in markers
    assert all(marker == marker.strip() and marker for marker in markers)
    assert list(markers) == sorted(markers, key=len, reverse=True)


@pytest.mark.parametrize(
    ("model", "raw"),
    [
        pytest.param(
            "qwen2.5-coder",
            "<|repo_name|>workspace\n<|file_sep|>b.py\nB\n<|file_sep|>c.py\nC\n<|file_sep|>a.py\n"
            "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
            id="qwen",
        ),
        pytest.param(
            "codestral",
            "[SUFFIX]S[PREFIX]+++++ b.py\nB\n\n+++++ c.py\nC\n\n+++++ a.py\nP",
            id="codestral",
        ),
        pytest.param(
            "deepseek-coder",
            f"#b.py\nB\n#c.py\nC\n#a.py\n<{BAR}fim▁begin{BAR}>P<{BAR}fim▁hole{BAR}>S<{BAR}fim▁end{BAR}>",
            id="deepseek-coder",
        ),
        pytest.param(
            "starcoder2",
            "<file_sep>B\n<file_sep>C\n<file_sep><fim_prefix>P<fim_suffix>S<fim_middle>",
            id="starcoder2",
        ),
        pytest.param(
            "codellama",
            "<PRE> # b.py\n# B\n\n# c.py\n# C\n\nP <SUF>S <MID>",
            id="as-comments-if-it-has-no-form",
        ),
    ],
)
def test_other_files_stand_where_a_family_has_learned_to_see_them(model: str, raw: str):
    assert check(model).raw(HOLE, SNIPPETS) == raw


def test_a_snippet_that_holds_a_token_of_the_family_is_left_out():
    odd = Snippet("/ws/fim.toml", "fim.toml", 'middle = "<|fim_middle|>"')
    assert check("qwen2.5-coder").raw(HOLE, (odd,)) == check("qwen2.5-coder").raw(HOLE)


@given(prefix=st.text(), suffix=st.text())
def test_what_is_put_in_is_never_taken_for_a_field(prefix: str, suffix: str):
    window = Window("{prefix}", "python", prefix + "{suffix}", suffix + "{name}")
    raw = check("qwen2.5-coder").raw(window)
    assert raw == f"<|fim_prefix|>{prefix}{{suffix}}<|fim_suffix|>{suffix}{{name}}<|fim_middle|>"


@pytest.mark.parametrize(
    ("language", "comments"),
    [
        pytest.param("python", "# b.py\n# B\n\n", id="line-comments"),
        pytest.param("go", "// b.py\n// B\n\n", id="slashes"),
        pytest.param("css", "/* b.py\nB */\n\n", id="block-comments"),
        pytest.param("unheard-of", "# b.py\n# B\n\n", id="a-language-of-which-nothing-is-known"),
    ],
)
def test_other_files_are_written_in_the_comments_of_the_language(language: str, comments: str):
    assert as_comments(SNIPPETS[:1], language) == comments


@pytest.mark.parametrize(
    ("language", "closes"),
    [pytest.param("css", "*/", id="css"), pytest.param("html", "-->", id="html")],
)
@pytest.mark.parametrize(
    "inner", ["a {closes} live()", "{closes}{closes}", "a{closes}", "-{closes}*{closes}/>"]
)
def test_a_text_can_not_end_the_comment_it_stands_in(language: str, closes: str, inner: str):
    said = inner.format(closes=closes)
    comments = as_comments((Snippet("/ws/b", f"b{closes}", said), Snippet("/ws/c", "c", said)), language)
    assert comments.count(closes) == 2
    assert comments.endswith(f" {closes}\n\n")
    assert comments.replace(" ", "").count(said.replace(" ", "")) == 2
