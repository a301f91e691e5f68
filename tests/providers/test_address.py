"""Which addresses are on this machine."""

import ipaddress
from itertools import product

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from farebox.providers.address import is_loopback, loopback_addresses


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("http://127.0.0.1:8080/v1", True, id="version 4"),
        pytest.param("http://127.9.9.9", True, id="all of 127"),
        pytest.param("http://[::1]:8080", True, id="version 6"),
        pytest.param("http://[0:0:0:0:0:0:0:1]:8080", True, id="version 6 in full"),
        pytest.param("http://LOCALHOST", True, id="localhost"),
        pytest.param("HTTPS://LocalHost:1", True, id="capitals"),
        pytest.param("http://someone@127.0.0.1", True, id="a user name"),
        pytest.param("http://127.0.0.1@example.test", False, id="loopback as a user name"),
        pytest.param("http://127.0.0.1:80@example.test:80", False, id="loopback and a port as a user"),
        pytest.param("http://127.0.0.1\\@example.test", False, id="a backslash"),
        pytest.param("http://example.test#127.0.0.1", False, id="loopback as a fragment"),
        pytest.param("http://127.0.0.1.example.test", False, id="a name that begins like it"),
        pytest.param("http://localhost.", False, id="a name with its root"),
        pytest.param("http://a.localhost", False, id="a name below localhost"),
        pytest.param("http://lo%63alhost", False, id="a name in per cent"),
        pytest.param("http://0.0.0.0", False, id="every interface"),
        pytest.param("http://[::]", False, id="every interface of version 6"),
        pytest.param("http://[::ffff:127.0.0.1]", False, id="version 4 in version 6"),
        pytest.param("http://[::ffff:7f00:1]", False, id="version 4 in version 6 in hexadecimal"),
        pytest.param("http://[::ffff:8.8.8.8]", False, id="another machine in version 6"),
        pytest.param("http://[::1%eth0]", False, id="a scope"),
        pytest.param("http://2130706433", False, id="one number"),
        pytest.param("http://0x7f.1", False, id="hexadecimal"),
        pytest.param("http://0177.0.0.1", False, id="octal"),
        pytest.param("http://127.1", False, id="two numbers"),
        pytest.param("http://①②⑦.0.0.1", False, id="other digits"),
        pytest.param("http://127\u30020\u30020\u30021", False, id="other full stops"),
        pytest.param("http://10.0.0.1", False, id="a private net"),
        pytest.param(" http://127.0.0.1", False, id="something before it"),
        pytest.param("http://[127.0.0.1]", False, id="version 4 in brackets"),
        pytest.param("http://[::1", False, id="half a bracket"),
        pytest.param("http:127.0.0.1", False, id="no host"),
        pytest.param("nonsense", False, id="nonsense"),
    ],
)
def test_an_address_is_on_this_machine(url: str, expected: bool):
    assert is_loopback(url) is expected


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("localhost", ("127.0.0.1", "::1")),
        ("127.0.0.1", ("127.0.0.1",)),
        ("0:0::1", ("::1",)),
        ("example.test", ()),
        ("", ()),
    ],
)
def test_localhost_has_two_addresses_and_an_address_is_its_own(host: str, addresses: tuple[str, ...]):
    assert loopback_addresses(host) == addresses


HOSTS = [
    "127.0.0.1", "localhost", "[::1]", "127.8.9.1", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]",
    "[::ffff:808:808]", "[::1%lo]", "2130706433", "0x7f.1", "0177.0.0.1", "localhost.",
    "example.test", "8.8.8.8",
]  # fmt: skip
JOINTS = [
    "", "@", ":", ":80", ":80@", "\\@", "#", "#@", "?", "?@", "/", "/@", ".", "%2f", "%40", ";", " ", "\t",
    "\n",
]  # fmt: skip
ANY_JOINT = st.one_of(st.sampled_from(JOINTS), st.text(max_size=3))


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """Return a URL in which hosts stand where a host may stand, and where a reader may take one for it."""
    parts = draw(st.lists(st.tuples(st.sampled_from(HOSTS), ANY_JOINT), min_size=1, max_size=3))
    text = draw(st.sampled_from(["http://", "https://", "HTTP://", "http:", "//", " http://"]))
    text += draw(ANY_JOINT) + "".join(host + joint for host, joint in parts)
    at = draw(st.integers(0, len(text)))
    return draw(st.sampled_from([text, text.upper(), text[:at] + draw(ANY_JOINT) + text[at:]]))


def check_against_what_connects(url: str) -> None:
    """Fail if an address is called loopback and the library that connects would go elsewhere."""
    if not is_loopback(url):
        return
    try:
        host = httpx2.URL(url).host
    except httpx2.InvalidURL:
        return  # nobody connects
    assert host == "localhost" or ipaddress.ip_address(host) in (
        ipaddress.ip_network("127.0.0.0/8" if "." in host else "::1/128")
    ), host


@given(spellings())
@example("http://127.0.0.1@example.test")
@example("http://example.test\\@127.0.0.1")
@example("http://[::1].example.test")
def test_what_is_called_loopback_is_where_the_library_connects(url: str):
    check_against_what_connects(url)


def test_no_two_hosts_and_what_stands_between_them_mislead_us():
    for first, joint, second in product(HOSTS, JOINTS, HOSTS):
        check_against_what_connects(f"http://{first}{joint}{second}/v1")


@given(st.ip_addresses())
def test_no_other_address_is_taken_for_loopback(address: ipaddress.IPv4Address | ipaddress.IPv6Address):
    host = str(address) if address.version == 4 else f"[{address}]"
    is_ours = address in ipaddress.ip_network("127.0.0.0/8" if address.version == 4 else "::1/128")
    assert is_loopback(f"http://{host}:8080/v1") is is_ours
