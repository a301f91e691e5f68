"""What OpenRouter is told about hosts, from the settings."""

import pytest

from farebox.provider_settings import ROUTING_SETTINGS, ProviderSettings
from farebox.providers.base import RoutingPreferences
from farebox.providers.preferences import routing_preferences


@pytest.mark.parametrize(
    ("settings", "preferences"),
    [
        pytest.param({}, RoutingPreferences(), id="nothing"),
        pytest.param(
            {"order": ["A"], "only": [], "ignore": ["B"]}, RoutingPreferences(("A",), (), ("B",)), id="hosts"
        ),
        pytest.param({"sort": "price"}, RoutingPreferences(sort="price"), id="sorted"),
        pytest.param({"sort": {"by": "latency"}}, RoutingPreferences(sort="latency"), id="sorted by a table"),
        pytest.param(
            {"sort": {"by": "throughput", "partition": "none"}},
            RoutingPreferences(sort="throughput", sort_partition="none"),
            id="sorted across models",
        ),
        pytest.param(
            {"max_price": {"completion": "2", "prompt": "0.5", "image": "0"}},
            RoutingPreferences(max_price=(("prompt", 0.5), ("completion", 2.0), ("image", 0.0))),
            id="a limit of prices",
        ),
        pytest.param({"models": ["a/b", "c/d"]}, RoutingPreferences(models=("a/b", "c/d")), id="models"),
        pytest.param(
            {"data_collection": "deny", "zdr": True, "require_parameters": False, "quantizations": ["fp8"]},
            RoutingPreferences(
                data_collection="deny", zdr=True, require_parameters=False, quantizations=("fp8",)
            ),
            id="what hosts must be like",
        ),
    ],
)
def test_settings_become_preferences(settings: dict[str, object], preferences: RoutingPreferences):
    assert routing_preferences(ProviderSettings.model_validate(settings)) == preferences


def test_every_routing_setting_is_a_setting_and_every_preference_can_be_set():
    assert set(ROUTING_SETTINGS) <= set(ProviderSettings.model_fields)
    assert set(ROUTING_SETTINGS) | {"sort_partition"} == set(RoutingPreferences.__slots__)
