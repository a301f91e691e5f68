"""Which pictures may leave, and under which name."""

import pytest

from farebox.errors import Refused
from farebox.messages import Image, Message
from farebox.providers.base import Endpoint
from farebox.providers.pictures import IMAGE_TYPES, MAX_SHOWN_CHARS, with_known_pictures

ENDPOINT = Endpoint(provider="acme", dialect="openai", base_url="http://127.0.0.1:1/v1")


def check(*messages: Message) -> tuple[Message, ...]:
    return with_known_pictures(ENDPOINT, "m", messages)


def with_picture(mime: str) -> Message:
    return Message("user", "q", (Image(mime, "AAAA"),), cache_here=True)


@pytest.mark.parametrize(
    ("mime", "expected"),
    [
        *zip(IMAGE_TYPES, IMAGE_TYPES, strict=True),
        ("Image/PNG", "image/png"),
        (" image/webp ", "image/webp"),
        ("image/jpg", "image/jpeg"),
        ("image/JPG", "image/jpeg"),
    ],
)
def test_a_picture_leaves_under_the_name_that_vendors_know(mime: str, expected: str):
    assert check(with_picture(mime)) == (with_picture(expected),)


def test_messages_without_pictures_stay_as_they_are():
    messages = (Message("system", "S"), Message("tool", "R", tool_call_id="t"))
    assert all(one is other for one, other in zip(check(*messages), messages, strict=True))


@pytest.mark.parametrize(
    "mime", ["image/svg+xml", "image/bmp", "image/tiff", "image/heic", "application/pdf", "", "png"]
)
def test_a_picture_of_another_type_is_refused_with_a_way_out(mime: str):
    with pytest.raises(Refused, match="acme takes no picture of the type") as caught:
        check(Message("user", "q"), with_picture(mime))
    assert mime in caught.value.message
    assert "PNG, JPEG, GIF or WebP" in caught.value.hint
    assert (caught.value.provider, caught.value.model) == ("acme", "m")


def test_a_type_without_end_is_shown_in_part():
    with pytest.raises(Refused) as caught:
        check(with_picture("x" * 10_000))
    assert len(caught.value.message) < MAX_SHOWN_CHARS + 100
