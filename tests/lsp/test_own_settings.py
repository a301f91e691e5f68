"""Our settings among an editor's."""

import pytest

from farebox.lsp.own_settings import own_section, settings_of


@pytest.mark.parametrize(
    ("settings", "own"),
    [
        pytest.param({"farebox": {"a": 1}, "python": {}}, {"a": 1}, id="a-section"),
        pytest.param({"farebox": {}}, {}, id="an-empty-one"),
        pytest.param({"farebox": None}, None, id="null"),
        pytest.param({"python": {}}, None, id="others"),
        pytest.param(None, None, id="nothing"),
        pytest.param([1], None, id="a-list"),
    ],
)
def test_our_section_is_found_or_there_is_none(settings: object, own: dict[str, object] | None):
    assert own_section(settings) == own


@pytest.mark.parametrize(
    ("options", "found"),
    [
        pytest.param({"settings": {"farebox": {"a": 1}}}, {"a": 1}, id="with-a-section"),
        pytest.param({"settings": {"a": 1}}, {"a": 1}, id="without-one"),
        pytest.param({"settings": "x"}, {}, id="no-table"),
        pytest.param({}, {}, id="none"),
    ],
)
def test_initialization_options_may_leave_the_section_out(
    options: dict[str, object], found: dict[str, object]
):
    assert settings_of(options) == found
