"""500 lines as people and programs write them, by kind, with what must go; made with a fixed seed, of nobody's data.

What nobody can tell by its form is among them: passwords that are words, phones in words. Numbers with check digits are
made by their law; addresses are of documentation ranges.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from controlsurface.ingest.content.redact import iban_remainder, is_luhn_valid

SEED = 11
HEX = "0123456789abcdef"
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True)
class Line:
    """A line of a kind; `value` must go, and of lines that only look like it, nothing."""

    kind: str
    text: str
    value: str = ""


def lines() -> list[Line]:
    """The corpus."""
    dice = random.Random(SEED)
    made = [line for kind in PERSONAL for line in _personal(dice, kind, 42)]
    return [*made, *(Line(kind, dice.choice(frames).format(value(dice))) for kind, (frames, value) in _harmless())]


def _personal(dice: random.Random, kind: str, n: int) -> Iterator[Line]:
    frames, forms = PERSONAL[kind]
    for i in range(n):
        before, value, after = _parts(forms[i % len(forms)](dice))
        yield Line(kind, frames[i // len(forms) % len(frames)].format(before + value + after), value)


def _parts(text: str) -> tuple[str, str, str]:
    """What stands around the value, which \\0 marks where it is not all of the text."""
    before, value, after = text.split("\0") if "\0" in text else ("", text, "")
    return before, value, after


def _harmless() -> Iterator[tuple[str, tuple[list[str], Callable[[random.Random], str]]]]:
    """As many of each as make 500 lines."""
    kinds = [*HARMLESS]
    for i in range(500 - 42 * len(PERSONAL)):
        kind = kinds[i % len(kinds)]
        yield kind, HARMLESS[kind]


def digits(dice: random.Random, pattern: str) -> str:
    """Digits for each `9`, those from 2 to 8 for each `2`."""
    return "".join(
        str(dice.randrange(10)) if each == "9" else str(dice.randrange(2, 9)) if each == "2" else each
        for each in pattern
    )


def chance(dice: random.Random, letters: str, n: int) -> str:
    return "".join(dice.choice(letters) for _ in range(n))


def card(groups: str) -> Callable[[random.Random], str]:
    """A number whose check digit agrees; `9` is a digit."""

    def made(dice: random.Random) -> str:
        while True:
            text = "".join(str(dice.randrange(10)) if each == "9" else each for each in groups)
            if is_luhn_valid("".join(each for each in text if each.isdigit())):
                return text

    return made


def iban(country: str, n: int, *, grouped: bool) -> Callable[[random.Random], str]:
    def made(dice: random.Random) -> str:
        account = digits(dice, "9" * n)
        whole = f"{country}{98 - iban_remainder(f'{country}00{account}'):02}{account}"
        return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4)) if grouped else whole

    return made


def form(pattern: str) -> Callable[[random.Random], str]:
    return lambda dice: digits(dice, pattern)


def word(text: str) -> Callable[[random.Random], str]:
    return lambda dice: text.replace("%", dice.choice(["ann", "bo", "chidi", "dara", "emre"]))


def day(shape: str) -> Callable[[random.Random], str]:
    months = ["January", "March", "May", "August", "October"]

    def made(dice: random.Random) -> str:
        parts = {"d": dice.randrange(1, 28), "m": dice.randrange(1, 13), "y": dice.randrange(1940, 2008)}
        return shape.format(**parts, month=dice.choice(months))

    return made


def aws(dice: random.Random) -> str:
    return f"{chance(dice, BASE64, 19)}/{chance(dice, BASE64, 13)}+{chance(dice, BASE64, 6)}"


def key(prefix: str, n: int, letters: str = BASE64) -> Callable[[random.Random], str]:
    return lambda dice: prefix + chance(dice, letters, n)


PERSONAL: dict[str, tuple[list[str], list[Callable[[random.Random], str]]]] = {
    "email": (
        ["please answer to {} by friday", '"to": "{}", "subject": "hello"', "From: <{}>", "mailto:{}?subject=x"],
        [
            word("%@example.org"),
            word("%.okafor+billing@mail.example.com"),
            word("%_99@sub.example.co.uk"),
            word("%@m\u00fcller.example"),
            word("% at example dot org"),
        ],
    ),
    "phone": (
        ["call me at {} after five", "phone: {}", "my mobile is {}, thanks", "Tel. {} (office)"],
        [
            form("+49 171 9999999"),
            form("+1-415-555-9999"),
            form("0044 20 7946 9999"),
            form("(212) 555-9999"),
            form("415.555.9999"),
            form("0171 29999999"),
            form("01712999999"),
            form("2122559999"),
            form("06 12 99 99 99"),
            form("555-9999"),
            lambda dice: f"98{dice.randrange(100, 999)} {dice.randrange(10_000, 99_999)}",
            form("1-800-555-9999"),
            word("five five five, one two, %"),
        ],
    ),
    "card": (
        ["charge {} please", "card number: {}", "my visa {} exp 12/29", '{{"pan": "{}"}}'],
        [
            card("4999999999999999"),
            card("4999 9999 9999 9999"),
            card("5199-9999-9999-9999"),
            card("4999.9999.9999.9999"),
            card("3799 999999 99999"),
            card("2299999999999999"),
            card("6299999999999999999"),
            card("3799.999999.99999"),
        ],
    ),
    "iban": (
        ["transfer to {} today", "IBAN: {}", "account {}, thanks"],
        [
            iban("DE", 18, grouped=True),
            iban("DE", 18, grouped=False),
            iban("FR", 23, grouped=True),
            iban("NO", 11, grouped=False),
            iban("PL", 24, grouped=True),
        ],
    ),
    "ssn": (
        ["my SSN is {}", "social security number {} on file", "SSN: {} (verified)"],
        [form("299-42-8999"), form("129-83-9992"), form("529 26 8992"), form("529268992")],
    ),
    "ip": (
        ["login from {} failed", "client_ip={}", "X-Forwarded-For: {}", "ssh root@{} -p 22"],
        [
            lambda dice: f"203.0.113.{dice.randrange(1, 255)}",
            lambda dice: f"198.51.100.{dice.randrange(1, 255)}",
            lambda dice: f"10.20.{dice.randrange(256)}.14",
            lambda dice: f"192.168.{dice.randrange(256)}.1",
            lambda dice: f"2001:db8:0:{dice.randrange(1, 10)}::{dice.randrange(1, 10)}",
            lambda dice: f"2001:0db8:85a3:0000:0000:8a2e:0370:{dice.randrange(1000, 9999)}",
            lambda dice: f"fe80::2ff:fe{dice.randrange(10, 99)}:4567:890a",
        ],
    ),
    "birth": (
        ["date of birth: {}", "she was born on {} in Oslo", "DOB {}", "patient born {}"],
        [
            day("{y}-{m:02}-{d:02}"),
            day("{d:02}.{m:02}.{y}"),
            day("{m}/{d}/{y}"),
            day("{d} {month} {y}"),
            day("{month} {d}, {y}"),
            day("the {d}th of {month} {y}"),
        ],
    ),
    "secret": (
        ["use {} for this", "{} is what I got", "set it to {}"],
        [
            aws,
            key("sk-proj-", 40),
            key("ghp_", 36),
            key("AKIA", 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
            key("", 64, HEX),
            key("glpat-", 20),
            key("xoxb-", 44),
            lambda dice: f"postgres://app:\0{chance(dice, BASE64, 12)}\0@db.example.org/main",
            lambda dice: f"amqp://guest:\0{chance(dice, BASE64, 8)}\0@10.0.0.9:5672",
            lambda dice: f"secret_key: \0{chance(dice, BASE64, 14)}\0",
            lambda dice: f"AWS_SECRET_ACCESS_KEY=\0{aws(dice)}\0",
            lambda dice: f"clientSecret=\0{chance(dice, BASE64, 12)}\0",
            lambda dice: f"Authorization: Bearer \0{chance(dice, BASE64, 24)}\0",
            lambda dice: f'"password": "\0{chance(dice, BASE64, 9)}\0"',
            lambda dice: f"my password is \0{chance(dice, BASE64, 8)}7\0",
            lambda dice: f"passphrase = \0{chance(dice, BASE64, 15)}\0",
            lambda dice: f"AccountKey=\0{chance(dice, BASE64, 43)}=\0",
            word("the password for the lab is \0correct horse %\0"),
        ],
    ),
}
HARMLESS: dict[str, tuple[list[str], Callable[[random.Random], str]]] = {
    "order number": (["order {} has shipped", "see ticket #{}", "invoice no. {}"], form("2299999999")),
    "version": (["upgrade to v{}", "Chrome/{} on Linux", "release {} is out"], form("12.0.29.9")),
    "timestamp": (["at {}Z the job ended", "[{}] started", "since {}"], form("2026-01-12T10:29:22")),
    "epoch": (["ts={}", "deadline {} passed", '"at": {}'], form("1790000009992")),
    "UUID": (
        ["trace {} is slow", "id={}", "see {} for more"],
        lambda d: "-".join(chance(d, HEX, n) for n in (8, 4, 4, 4, 12)),
    ),
    "hash of code": (
        ["uses: actions/checkout@{}", "commit {}", "sha256:{} is the image", "md5 checksum {} agrees"],
        lambda d: chance(d, HEX, 40),
    ),
    "price": (["total 1,2{} EUR", "costs $ 12{}", "paid {}"], form("99.99")),
    "decimal": (["confidence: {}", "loss {}e-05", "score={}"], lambda d: f"0.{card('5199999999999999')(d)}"),
    "date": (["on {} we meet", "the invoice of {}", "due {}"], form("12-11-2029")),
    "counter": (["max_token: {}", "{} tokens used", "key: {}"], form("2999999")),
    "name of a model": (["ask {} instead", "model={}", "{} answered"], form("claude-2-2-sonnet-20240229")),
    "sentence": (
        ["a basic {} of it", "the password is {}", "bearer {} are paid"],
        lambda d: d.choice(["understanding", "requirements", "instruments"]),
    ),
    "path": (["open {}", "in {} line 4", "see {}"], form("src/components/Button2/index2/useTokens.test.tsx")),
    "code": (["call {} now", "{} fails", "use {}"], form("std::vector2::at(22)")),
}
