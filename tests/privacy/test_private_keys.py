"""Private keys in texts: whole and in pieces, as files hold them and as programs write them."""

import random

import pytest

from farebox.privacy.texts import masked, secrets_in
from support.secret_samples import BASE64, Dice, private_key

DASHES = "-" * 5
CERTIFICATE = f"{DASHES}BEGIN CERTIFICATE{DASHES}\nMIIBIjANBgkqhkiG9w0B\n{DASHES}END CERTIFICATE{DASHES}\n"
STYLES = [
    '    "{}\\n" +\n', '    "{}" \\\n', "    '{}',\n", '    . "{}\\n"\n', '    & "{}" _\n', "# {}\n",
    "// {}\n", " * {}\n", "> {}\n", 's += "{}";\n', '    sb.append("{}\\n");\n', "    echo {} >> k\n",
    "{}<br>\n", "| {} |\n", "{}\\r\\n", "{}\\\\n", "{}\r\n", "    {}\n",
]  # fmt: skip


def clean(text: str) -> str:
    return masked(text, secrets_in(text))


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
@pytest.mark.parametrize("form", ["{}", "key = '''\n{}'''\nx = 1\n", "before\n{}\nafter = 2\n"])
def test_a_private_key_is_found_whole(kind: str, form: str):
    key = private_key(Dice(random.Random(3)), kind)
    text = form.format(key)
    left = clean(text)
    assert not any(line in left for line in key.splitlines()[1:-1])
    assert left.endswith(text[-8:]), "what stands behind it stays"


def test_a_private_key_in_json_leaves_json():
    key = private_key(Dice(random.Random(3)))
    left = clean('{"private_key": "' + key.replace("\n", "\\n") + '", "id": 1}')
    assert not any(line in left for line in key.splitlines()[1:-1])
    assert left.endswith('", "id": 1}')


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.8])
def test_half_a_private_key_is_one(cut: float):
    key = private_key(Dice(random.Random(3)))
    at = int(len(key) * cut)
    lines = key.splitlines()[1:-1]
    assert not any(line in clean("x = 1\n" + key[:at]) for line in lines)
    assert not any(line in clean(key[at:] + "x = 1\n") for line in lines)
    assert clean(key[at:] + "x = 1\n").endswith("x = 1\n")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("cut", ["whole", "end", "beginning", "beginning, below a certificate"])
def test_a_private_key_is_found_however_a_program_writes_it(style: str, cut: str):
    first, *lines, last = private_key(Dice(random.Random(3))).splitlines()
    body = [style.format(line) for line in lines]
    match cut:
        case "end":
            text = "".join((first, '" +\n', *body[:12]))
        case "beginning":
            text = "".join((*body[12:], last, "\n"))
        case "beginning, below a certificate":
            text = "".join((CERTIFICATE, *body, last, "\n"))
        case _:
            text = "".join((first, '" +\n', *body, '"', last, '"\nafter = what_stands_behind_it\n'))
            assert clean(text).endswith(f'{last}"\nafter = what_stands_behind_it\n')
    left = clean(text)
    assert not any(line in left for line in lines)


@pytest.mark.parametrize("width", [64, 70, 76])
@pytest.mark.parametrize("form", ["{}", "  {}", "{}\r"])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_lines_from_inside_of_a_key_are_known_without_its_ends(width: int, form: str, count: int):
    dice = Dice(random.Random(5))
    lines = [dice.of(BASE64, width) for _ in range(count)]
    text = "a = 1\n" + "".join(form.format(line) + "\n" for line in lines) + "b = 2\n"
    left = clean(text)
    assert not any(line in left for line in lines)
    assert left.startswith("a = 1\n")
    assert left.endswith("b = 2\n")


@pytest.mark.parametrize("below", ["    return", "pass", "ret", "name"])
def test_a_word_below_a_single_line_of_a_key_stays(below: str):
    line = Dice(random.Random(5)).of(BASE64, 64)
    assert clean(f"x\n{line}\n{below}") == clean(f"x\n{line}") + f"\n{below}"


@pytest.mark.parametrize("last", ["aB3+", "abcd==", "abcd"])
def test_the_last_line_of_a_key_is_part_of_it(last: str):
    dice = Dice(random.Random(5))
    lines = [dice.of(BASE64, 64) for _ in range(3 if last == "abcd" else 1)]
    assert clean("\n".join((*lines, last, "")) + "x = 1\n") == clean("\n".join((*lines, ""))) + "x = 1\n"


@pytest.mark.parametrize("label", ["CERTIFICATE", "PUBLIC KEY", "CERTIFICATE REQUEST"])
def test_what_everybody_may_see_is_no_private_key(label: str):
    dice = Dice(random.Random(5))
    body = "".join(f"{dice.of(BASE64, 64)}\n" for _ in range(9))
    assert secrets_in(f"{DASHES}BEGIN {label}{DASHES}\n{body}{DASHES}END {label}{DASHES}\n") == ()
    assert secrets_in(f"{DASHES}BEGIN {label}{DASHES}\n{body}") == ()
    assert secrets_in("".join(f"{line.lower()}\n" for line in body.splitlines())) == (), "a table of hashes"


def test_a_program_that_reads_keys_holds_none():
    text = f"""
BEGIN = "{DASHES}BEGIN PRIVATE KEY{DASHES}"
def read_the_private_key(path, encoding="utf8"):
    body = base64.b64decode(text.removeprefix(BEGIN).removesuffix(END_OF_PRIVATE_KEYS))
    return serialization.load_pem_private_key(body)
END = "{DASHES}END PRIVATE KEY{DASHES}"
"""
    assert secrets_in(text) == ()
