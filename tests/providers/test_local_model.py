"""What Ollama says of its models, in the shapes of several of its versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.providers.local_model import LocalModel, is_cloud, read_show

INFO = {"general.architecture": "qwen2", "qwen2.context_length": 32768, "qwen2.vision.context_length": 7}
SHOWN: dict[str, object] = {
    "parameters": 'num_keep                       24\nstop                           "<|im_end|>"',
    "template": "{{ if .Suffix }}<PRE> {{ .Prompt }} <SUF>{{ .Suffix }} <MID>{{ end }}",
    "details": {"format": "gguf", "family": "qwen2", "parameter_size": "7.6B"},
    "model_info": INFO,
    "capabilities": ["completion", "tools", "insert"],
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, LocalModel(32768, None, "suffix", ()), id="a coder"),
        pytest.param({"capabilities": None}, LocalModel(32768, None, "suffix", None), id="before 0.6.4"),
        pytest.param(
            {"capabilities": None, "template": "{{ .Prompt }}"},
            LocalModel(32768, None, "tokens", None),
            id="before 0.6.4, without a suffix",
        ),
        pytest.param(
            {"capabilities": ["completion", "thinking"]},
            LocalModel(32768, None, "tokens", (False, True)),
            id="one that thinks",
        ),
        pytest.param(
            {"capabilities": ["completion", "thinking"], "details": {"family": "gptoss"}},
            LocalModel(32768, None, "tokens", ("low", "medium", "high")),
            id="gpt-oss",
        ),
        pytest.param(
            {"capabilities": ["completion", "thinking"], "thinking": {"values": [False, "low", "max"]}},
            LocalModel(32768, None, "tokens", (False, "low", "max")),
            id="0.40 lists the values",
        ),
        pytest.param(
            {"capabilities": ["embedding"]},
            LocalModel(32768, None, "tokens", (), completes=False),
            id="an embedding model",
        ),
        pytest.param(
            {"parameters": "temperature 0.7\nnum_ctx                        8192"},
            LocalModel(32768, 8192, "suffix", ()),
            id="a Modelfile that sets the context",
        ),
        pytest.param(
            {"remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b"},
            LocalModel(32768, None, "suffix", (), remote=True),
            id="one that runs elsewhere under a name of the user's",
        ),
        pytest.param(
            {"model_info": {"a.context_length": 0}}, LocalModel(None, None, "suffix", ()), id="no length"
        ),
    ],
)
def test_a_model_is(changes: dict[str, object], expected: LocalModel):
    assert read_show({**SHOWN, **changes}) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpt-oss:120b-cloud", True),
        ("glm-4.6:cloud", True),
        ("GLM-4.6:CLOUD", True),
        ("someone/mine-cloud", True),
        ("gpt-oss:20b", False),
        ("cloud:7b", False),
    ],
)
def test_a_cloud_model_is_told_by_its_name(name: str, expected: bool):
    assert is_cloud(name) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*SHOWN, "thinking", "remote_host"]), JSON, max_size=7))
def test_no_shape_of_an_answer_can_break_it(table: dict[str, object]):
    assert isinstance(read_show(table), LocalModel)
