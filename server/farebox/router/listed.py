"""What a broker's own list of models adds to the catalogue: the models that farebox does not know by itself.

The catalogue and the list stand side by side and know nothing of each other; here one is put on top of the
other. What the catalogue says of a model stays so, and the list only fills in what it leaves open.
"""

from dataclasses import replace
from typing import Final

from farebox.catalog import Capability, Catalog, ModelInfo
from farebox.errors import FareboxError
from farebox.providers.base import Endpoint
from farebox.providers.directory import Directory
from farebox.providers.listing import Listed
from farebox.providers.listing_file import Listing
from farebox.providers.vendors import vendors

_PARAMETERS: Final[dict[str, Capability]] = {"tools": "tools", "reasoning": "reasoning"}


def broker(directory: Directory) -> Endpoint | None:
    """Return the provider that publishes a list of its models and prices, if it is ready to be used."""
    try:
        for name, vendor in vendors().items():
            if vendor.routing and directory.state(name) == "ready":
                return directory.endpoint(name)
    except FareboxError:  # such as a file of keys that can't be read: a request will say so
        return None
    return None


def is_at_home(endpoint: Endpoint) -> bool:
    """Say whether a provider is at its vendor's own address."""
    return endpoint.base_url == vendors()[endpoint.provider].base_url


def with_listed(catalog: Catalog, provider: str, listing: Listing) -> Catalog:
    """Return the catalogue with the models of a provider's list."""
    models = {key: _merged(catalog.exactly(provider, key), model) for key, model in listing.models.items()}
    return catalog.with_listed(provider, models)


def _merged(known: ModelInfo | None, listed: Listed) -> ModelInfo:
    if known is None:
        return _info(listed)
    return replace(
        known,
        context_window=known.context_window or listed.context_length,
        max_output_tokens=known.max_output_tokens or listed.max_completion_tokens,
        efforts=known.efforts or listed.efforts,
        expires=listed.expires,
    )


def _info(listed: Listed) -> ModelInfo:
    capabilities: set[Capability] = {
        word for name, word in _PARAMETERS.items() if name in listed.supported_parameters
    }
    if "image" in listed.input_modalities:
        capabilities.add("images")
    return ModelInfo(
        name=listed.id,
        tier=None,
        context_window=listed.context_length,
        max_output_tokens=listed.max_completion_tokens,
        capabilities=frozenset(capabilities),
        ids={},
        efforts=listed.efforts,
        expires=listed.expires,
    )
