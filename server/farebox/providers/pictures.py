"""What kinds of pictures may leave: those that every vendor takes, by the names that they take them under.

Pure, shared by all adapters. Wire facts: the vision guides of OpenAI and Anthropic, which name the same four.
Knows no wire shape: how a picture is written is each dialect's own.
"""

from dataclasses import replace
from typing import Final

from farebox.errors import Refused
from farebox.messages import Image, Message
from farebox.providers.base import Endpoint

IMAGE_TYPES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
MAX_SHOWN_CHARS: Final = 60

_OTHER_NAMES: Final = {"image/jpg": "image/jpeg"}


def with_known_pictures(endpoint: Endpoint, model: str, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the messages with pictures of ``IMAGE_TYPES``, named so. Raises Refused for any other."""
    return tuple(
        replace(message, images=tuple(_known(endpoint, model, image) for image in message.images))
        if message.images
        else message
        for message in messages
    )


def _known(endpoint: Endpoint, model: str, image: Image) -> Image:
    kind = image.mime.strip().lower()
    kind = _OTHER_NAMES.get(kind, kind)
    if kind not in IMAGE_TYPES:
        raise Refused(
            f"{endpoint.provider} takes no picture of the type {image.mime[:MAX_SHOWN_CHARS]}",
            hint="Attach it as PNG, JPEG, GIF or WebP.",
            provider=endpoint.provider,
            model=model,
        )
    return replace(image, mime=kind)
