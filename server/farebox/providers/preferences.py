"""What OpenRouter is told about the hosts behind it, from a user's settings.

The shape on the wire is the adapter's business; the settings' is ``provider_settings``'.
"""

from farebox.provider_settings import MaxPrice, ProviderSettings, Sort
from farebox.providers.base import RoutingPreferences


def routing_preferences(settings: ProviderSettings) -> RoutingPreferences:
    """Return what a ``[providers.NAME]`` table says of hosts; what it leaves open stays open."""
    sort, most = settings.sort, settings.max_price
    return RoutingPreferences(
        order=tuple(settings.order or ()),
        only=tuple(settings.only or ()),
        ignore=tuple(settings.ignore or ()),
        allow_fallbacks=settings.allow_fallbacks,
        sort=sort.by if isinstance(sort, Sort) else sort,
        sort_partition=sort.partition if isinstance(sort, Sort) else None,
        max_price=() if most is None else _amounts(most),
        models=tuple(settings.models or ()),
        data_collection=settings.data_collection,
        zdr=settings.zdr,
        require_parameters=settings.require_parameters,
        quantizations=tuple(settings.quantizations or ()),
    )


def _amounts(most: MaxPrice) -> tuple[tuple[str, float], ...]:
    amounts = {
        "prompt": most.prompt,
        "completion": most.completion,
        "request": most.request,
        "image": most.image,
    }
    return tuple((name, float(usd)) for name, usd in amounts.items() if usd is not None)
