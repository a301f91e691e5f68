"""Made-up secrets of well-known formats, and texts as people write them around one.

Each is put together from parts here: no file holds one, so nobody's scanner takes the repository for leaking.
Their letters come out of a seeded generator; none has ever opened anything.
"""

import random
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

ALNUM = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
BASE32 = string.ascii_uppercase + "234567"
BASE64 = ALNUM + "+/"
HEX = "0123456789abcdef"
WORD = ALNUM + "_-"


@dataclass(frozen=True)
class Dice:
    """Draws characters; the same seed draws the same ones."""

    random: random.Random

    def of(self, letters: str, count: int) -> str:
        """Draw so many of these characters: letters and digits, if there are such, as a real one has."""
        drawn = [self.random.choice(letters) for _ in range(count)]
        digits = [letter for letter in letters if letter.isdigit()]
        if digits and letters != string.digits:
            drawn[count // 3], drawn[count // 2] = self.random.choice(digits), self.random.choice(digits)
        drawn[-1] = self.random.choice([letter for letter in letters if letter.isalnum()])
        return "".join(drawn)


def _prefixed(prefix: str, letters: str, count: int) -> Callable[[Dice], str]:
    return lambda dice: prefix + dice.of(letters, count)


def _web_token(dice: Dice) -> str:
    return ".".join(("ey" + "J" + dice.of(WORD, 33), "ey" + "J" + dice.of(WORD, 70), dice.of(WORD, 43)))


MAKERS: Mapping[str, Callable[[Dice], str]] = {
    "AWS access key": _prefixed("AK" + "IA", BASE32, 16),
    "AWS session key": _prefixed("AS" + "IA", BASE32, 16),
    "GitHub token": _prefixed("gh" + "p_", ALNUM, 36),
    "GitHub app token": _prefixed("gh" + "s_", ALNUM, 36),
    "GitHub fine-grained token": lambda dice: f"github{'_pat_'}{dice.of(ALNUM, 22)}_{dice.of(ALNUM, 59)}",
    "GitLab token": _prefixed("gl" + "pat-", WORD, 20),
    "OpenAI key": _prefixed("sk" + "-proj-", WORD, 74),
    "OpenAI key, old": lambda dice: f"s{'k-'}{dice.of(ALNUM, 20)}T3BlbkFJ{dice.of(ALNUM, 20)}",
    "Anthropic key": _prefixed("sk" + "-ant-api03-", WORD, 93),
    "OpenRouter key": _prefixed("sk" + "-or-v1-", HEX, 64),
    "Google API key": _prefixed("AI" + "za", WORD, 35),
    "Google OAuth secret": _prefixed("GOC" + "SPX-", WORD, 28),
    "Google access token": _prefixed("ya" + "29.", WORD, 68),
    "Slack token": lambda dice: (
        f"xo{'xb-'}{dice.of('123456789', 12)}-{dice.of('123456789', 12)}-{dice.of(ALNUM, 24)}"
    ),
    "Slack webhook": lambda dice: (
        f"https://hooks.sl{'ack.com'}/services/"
        f"T{dice.of(UPPER, 10)}/B{dice.of(UPPER, 10)}/{dice.of(ALNUM, 24)}"
    ),
    "Stripe key": _prefixed("sk" + "_live_", ALNUM, 24),
    "Stripe webhook secret": _prefixed("wh" + "sec_", ALNUM, 32),
    "npm token": _prefixed("np" + "m_", ALNUM, 36),
    "PyPI token": _prefixed("py" + "pi-AgEIcHlwaS5vcmc", WORD, 150),
    "JSON web token": _web_token,
    "SendGrid key": lambda dice: f"S{'G.'}{dice.of(WORD, 22)}.{dice.of(WORD, 43)}",
    "Twilio key": _prefixed("S" + "K", HEX, 32),
    "Hugging Face token": _prefixed("h" + "f_", string.ascii_letters, 34),
    "DigitalOcean token": _prefixed("do" + "p_v1_", HEX, 64),
    "Telegram bot token": lambda dice: f"{dice.of('123456789', 10)}:A{'A'}{dice.of(WORD, 33)}",
    "Mailgun key": _prefixed("ke" + "y-", HEX, 32),
    "Shopify token": _prefixed("shp" + "at_", HEX, 32),
    "Databricks token": _prefixed("da" + "pi", HEX, 32),
    "Vault token": _prefixed("hv" + "s.", WORD, 90),
    "age key": _prefixed("AGE-SECRET" + "-KEY-1", UPPER, 58),
    "Linear key": _prefixed("lin" + "_api_", ALNUM, 40),
    "Notion token": _prefixed("nt" + "n_", ALNUM, 46),
    "Postman key": lambda dice: f"PMA{'K-'}{dice.of(HEX, 24)}-{dice.of(HEX, 34)}",
    "Doppler token": _prefixed("dp" + ".pt.", ALNUM, 43),
    "PlanetScale token": _prefixed("pscale" + "_tkn_", ALNUM, 43),
    "Supabase key": _prefixed("sb" + "p_", HEX, 40),
    "New Relic key": _prefixed("NR" + "AK-", UPPER, 27),
    "Grafana token": lambda dice: f"gl{'sa_'}{dice.of(ALNUM, 32)}_{dice.of(HEX, 8)}",
    "Atlassian token": _prefixed("ATA" + "TT3xFfGF0", WORD, 180),
    "Square token": _prefixed("sq0" + "atp-", WORD, 22),
    "RubyGems key": _prefixed("rubyg" + "ems_", HEX, 48),
    "Groq key": _prefixed("gs" + "k_", ALNUM, 52),
    "xAI key": _prefixed("xa" + "i-", ALNUM, 80),
    "Perplexity key": _prefixed("ppl" + "x-", ALNUM, 48),
    "Replicate token": _prefixed("r" + "8_", ALNUM, 37),
    "Artifactory key": _prefixed("AK" + "Cp", ALNUM, 69),
    "Docker Hub token": _prefixed("dckr" + "_pat_", WORD, 27),
    "Sentry token": _prefixed("sntr" + "ys_", ALNUM, 80),
    "Figma token": _prefixed("fig" + "d_", WORD, 40),
    "Heroku key": _prefixed("HR" + "KU-", WORD, 60),
    "Tailscale key": lambda dice: f"ts{'key-'}auth-{dice.of(ALNUM, 12)}CNTRL-{dice.of(ALNUM, 32)}",
    "Azure client secret": lambda dice: f"{dice.of(ALNUM, 3)}8{'Q~'}{dice.of(ALNUM, 34)}",
}
"""A maker for each format that tells itself by how it looks."""

TEXTS: Mapping[str, str] = {
    "python": 'import os\n\nclient = Client("{}")\nprint(client)\n',
    "javascript": "const value = '{}';\nexport default value;\n",
    "json": '{{"name": "demo", "value": "{}", "retries": 3}}',
    "escaped-json": '{{"text": "first line\\n{}\\nlast line"}}',
    "env": "PORT=8080\nVALUE={}\nDEBUG=1\n",
    "yaml": "service:\n  value: {}\n  port: 80\n",
    "prose": "I get a 401 with {} - what is wrong?",
    "query": "curl 'https://example.test/v1/things?limit=1&value={}&sort=asc'\n",
    "header": "curl -H 'Authorization: Bearer {}' https://example.test/\n",
    "crlf": "a\r\nvalue={}\r\nb\r\n",
    "alone": "{}",
    "markdown": "Set it to `{}`, then restart.\n",
    "xml": "<add name='value'>{}</add>\n",
    "log": "2026-03-01 12:00:00 DEBUG sent value={} in 12 ms\n",
}
"""Where a secret may stand: ``{}`` is the secret."""


CHOSEN: Mapping[str, tuple[str, str]] = {
    "dotenv": ("DB_PASSWORD={}\nDEBUG=1\n", "Sup3r" + "S3cret!"),
    "yaml-password": ("  POSTGRES_PASSWORD: {}\n  PORT: 1\n", "Xk29" + "fjQ7"),
    "connection": ('"Server=x;User Id=sa;Password={};Encrypt=1"', "Yukon" + "900xYz1"),
    "pass": ("DB_PASS={}\n", "Winter" + "2024!"),
    "common": ('password = "{}"\n', "p@ss" + "w0rd"),
    "common, env": ("PASSWORD={}\n", "p@ss" + "w0rd"),
    "common, yaml": ("password: {}\n", "adm1n" + "!admin"),
    "pwd": ('pwd: "{}"\n', "Tr0ub4dor" + "&3x"),
    "camel": ("dbPass = '{}'\n", "x7Kq2" + "mPw9"),
}
"""Secrets as people make them up, in the forms that only a name tells."""


def samples(seed: int = 7) -> Iterator[tuple[str, str, str, str]]:
    """Yield each format in each text: the format, the text's name, the secret and the text."""
    dice = Dice(random.Random(seed))
    for kind, make in MAKERS.items():
        for place, text in TEXTS.items():
            secret = make(dice)
            yield kind, place, secret, text.format(secret)


def private_key(dice: Dice, kind: str = "RSA ", lines: int = 20) -> str:
    """Return a private key as a file holds it."""
    body = "\n".join(dice.of(BASE64, 64) for _ in range(lines))
    begin, end = f"-----BEGIN {kind}PRIVATE", f"-----END {kind}PRIVATE"
    return f"{begin} KEY-----\n{body}\n{dice.of(BASE64, 30)}==\n{end} KEY-----\n"


def named(seed: int = 11) -> Iterator[tuple[str, str, str]]:
    """Yield secrets that only their name tells: how they are written, the secret and the text."""
    dice = Dice(random.Random(seed))
    forms = {
        "aws": ("aws_secret_access_key = {}\n", BASE64, 40),
        "azure": ("AccountName=demo;AccountKey={}==;EndpointSuffix=core.example\n", BASE64, 86),
        "shared-access": ("SharedAccessKeyName=root;SharedAccessKey={}=\n", BASE64, 43),
        "signature": ("https://demo.blob.example/a?sv=2022-11-02&sig={}%3D&se=2026\n", ALNUM, 43),
        "datadog": ('DD_API_KEY: "{}"\n', HEX, 32),
        "twilio": ("twilio_auth_token='{}'\n", HEX, 32),
        "python": ('DB_PASSWORD = "{}"\n', ALNUM + "!_", 14),
        "typed": ('password: str = "{}"\n', ALNUM, 12),
        "typescript": ("const clientSecret: string = '{}';\n", ALNUM, 24),
        "json": ('{{"client_secret": "{}"}}', ALNUM, 24),
        "escaped": ('{{"body": "{{\\"password\\": \\"{}\\"}}"}}', ALNUM, 16),
        "call": ('conn.set_password("{}")\n', ALNUM, 16),
        "ruby": ("config.secret_key_base = '{}'\n", HEX, 64),
        "bearer": ('ask(headers=of("Bearer {}"))\n', ALNUM, 32),
        "curl": ("curl -s --user 'admin:{}' https://demo.example/api\n", ALNUM, 14),
        "curl, lines": ("curl -X POST \\\n  -u admin:{} \\\n  https://demo.example/api\n", ALNUM, 14),
        "hash": (":api_key => '{}',\n", ALNUM, 20),
        "go": ("apiKey := `{}`\n", ALNUM, 32),
        "env": ("export STRIPE_SECRET={}\n", ALNUM, 24),
        "yaml": ("  token: {}\n", HEX, 40),
        "header": ("Authorization: Basic {}\n", BASE64, 32),
        "postgres": ("postgres://app:{}@db.example:5432/app\n", ALNUM, 14),
        "amqp": ('url = "amqps://user:{}@mq.example/vhost"\n', ALNUM, 20),
        "redis": ("redis://:{}@cache.example:6379/0\n", ALNUM, 18),
        "triple-quoted": ('token = """{}"""\n', ALNUM, 20),
        "openai": ("OPENAI_KEY={}\n", ALNUM, 32),
        "env-short": ("SESSION_SECRET={}\n", ALNUM, 24),
    }
    for name, (form, letters, count) in forms.items():
        secret = dice.of(letters, count)
        yield name, secret, form.format(secret)
    for name, (form, secret) in CHOSEN.items():
        yield name, secret, form.format(secret)
