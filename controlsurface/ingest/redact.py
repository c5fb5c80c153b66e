"""Personal data and secrets in a text, replaced by what they are: `[email]`, `[phone]`, `[card]`, `[iban]`, `[secret]`.

Every pattern runs in time linear in the text (no pattern can start twice inside the run it reads), because the
texts are whatever a sender puts in a prompt. Numbers are believed only when their check digits agree: cards by
Luhn (ISO/IEC 7812-1), bank accounts by the remainder of 97 (ISO 13616).
"""

import re
from collections.abc import Callable, Iterable
from typing import Literal

import orjson

Kind = Literal["email", "phone", "card", "iban", "secret"]
Tree = dict[str, "Tree"] | list["Tree"] | str | int | float | bool | None

_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]++@(?:[\w-]++\.)++[\w-]*+")
_DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?+\d){12,}+")
_IBAN = re.compile(r"(?<![^\W_])[A-Za-z]{2}\d{2}(?: ?+[A-Za-z0-9]){11,30}+")
_PHONE = re.compile(
    r"(?<![\w.])(?:"
    r"(?:\+|00)\d(?:[ ().-]{0,2}+\d){6,14}"  # international
    r"|\(\d{2,5}\)[ -]?\d(?:[ .-]?\d){4,9}"  # area code in brackets
    r"|\d{3}[ .-]\d{3}[ .-]\d{4}"  # North American
    r"|0\d{1,4}[ /-]\d(?:[ -]?\d){4,9}"  # trunk prefix
    r")(?![\w-])"
)
_SEVEN_DIGITS = re.compile(r"\d(?:[ ().-]{0,3}+\d){6}")
_NAME = r"(?<![A-Za-z])(?i:(?:api|access)[-_ ]?key|secret|token|passw(?:or)?d|pwd)(?![A-Za-z])"
_SECRET_NAME = re.compile(_NAME)
# A pattern is tried only where one of its words occurs, which is ten times faster than trying them all.
_SECRETS = [
    (words, re.compile(pattern))
    for words, pattern in [
        (("private key",), r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:(?!-----)[\s\S])*+(?:-----END [A-Z ]+-----)?"),
        (("bearer ", "basic "), r"(?i:\bbearer|\bbasic)[ ]+[\w.~+/-]{8,}+=*"),
        (("sk-", "sk_", "pk-", "pk_", "rk-", "rk_"), r"\b[spr]k[-_][\w-]{16,}+"),
        (
            ("gh", "glpat", "hf_", "xox", "npm_", "pypi-"),
            r"\b(?:gh[opsur]|github_pat|glpat|hf|xox\w|npm|pypi)[-_][\w-]{16,}+",
        ),
        (("akia", "asia", "aiza"), r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{30,}+)"),
        (("eyj",), r"\beyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+)?"),
        (
            ("key", "secret", "token", "passw", "pwd"),
            rf"(?P<name>{_NAME}[\"']?\s{{0,3}}[:=]\s{{0,3}}[\"']?)[^\s\"',;]{{6,}}+",
        ),
    ]
]
_RUN = re.compile(r"(?<![\w+-])[\w+-]{20,}+={0,2}")
_HEX = re.compile(r"[0-9a-fA-F]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TURN = re.compile(r"[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z])")
_CARD_PREFIX = re.compile(r"4|5[1-5]|2[2-7]|3[045678]|6")
_EMBEDDED = re.compile(r'\s*+[\[{"]')


class Redactor:
    """Replaces the kinds it was made for; secrets first, since a token may look like anything else."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        wanted = set(kinds)
        self._steps = [step for kind, step in _STEPS.items() if kind in wanted]

    def text(self, text: str) -> str:
        """The text without personal data; JSON stays JSON, with every string inside it treated alike."""
        if _EMBEDDED.match(text):
            try:
                tree = orjson.loads(text)
                clean = self._tree(tree)
                return text if clean == tree else orjson.dumps(clean).decode()
            except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
                pass  # not JSON, or nested too deep to be treated as such
        return self._plain(text)

    def _plain(self, text: str) -> str:
        for step in self._steps:
            text = step(text)
        return text

    def _tree(self, tree: Tree) -> Tree:
        if isinstance(tree, str):
            return self.text(tree)
        if isinstance(tree, list):
            return [self._tree(each) for each in tree]
        if isinstance(tree, dict):
            return {self._plain(key): self._entry(key, value) for key, value in tree.items()}
        if isinstance(tree, int) and tree > 10**11:
            clean = self._plain(str(tree))
            return tree if clean == str(tree) else clean
        return tree

    def _entry(self, key: str, value: Tree) -> Tree:
        """A member of an object: `{"password": "hunter2"}` is a secret by its name."""
        if isinstance(value, str) and _secrets in self._steps and _SECRET_NAME.search(key):
            return "[secret]"
        return self._tree(value)


def _emails(text: str) -> str:
    return _EMAIL.sub("[email]", text) if "@" in text else text


def _phones(text: str) -> str:
    return _PHONE.sub("[phone]", text) if _SEVEN_DIGITS.search(text) else text


def _cards(text: str) -> str:
    return _DIGITS.sub(lambda found: _without_cards(found[0]), text) if _SEVEN_DIGITS.search(text) else text


def _without_cards(run: str) -> str:
    """A run of digits in groups, with each card number that begins and ends at a group replaced."""
    places = [at for at, each in enumerate(run) if each not in {" ", "-"}]
    digits = run.replace(" ", "").replace("-", "")
    edges = [0, *(n for n in range(1, len(places)) if places[n - 1] < places[n] - 1), len(places)]
    ends, kept, done = set(edges), [], 0
    for start in edges:
        if start >= len(places) - 12:
            break
        if places[start] >= done and (length := _card_length(digits, start, ends)):
            kept += [run[done : places[start]], "[card]"]
            done = places[start + length - 1] + 1
    return "".join(kept) + run[done:]


def _card_length(digits: str, start: int, ends: set[int]) -> int:
    """How many digits from `start` are a card number; 0 where none begins."""
    if not _CARD_PREFIX.match(digits, start):
        return 0
    fits = (n for n in range(19, 12, -1) if start + n in ends and luhn(digits[start : start + n]))
    return next(fits, 0)


def luhn(digits: str) -> bool:
    """Whether the check digit agrees.

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    doubled = [int(each) * 2 for each in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(n - 9 if n > 9 else n for n in doubled)) % 10 == 0


def _ibans(text: str) -> str:
    return _IBAN.sub(_without_iban, text) if _SEVEN_DIGITS.search(text) else text


def _without_iban(found: re.Match[str]) -> str:
    """The longest beginning of the run that is an account number, at a group's end."""
    run = found[0]
    rest = found.string[found.end() : found.end() + 1]
    for end in range(len(run), 14, -1):
        after = run[end : end + 1] or rest
        if not after.isalnum() and remainder_97(run[:end].replace(" ", "")) == 1:
            return "[iban]" + run[end:]
    return run


def remainder_97(account: str) -> int:
    """The remainder that is 1 for a valid account number.

    >>> remainder_97("DE89370400440532013000")
    1
    """
    return int("".join(str(int(each, 36)) for each in account[4:] + account[:4])) % 97


def _secrets(text: str) -> str:
    lower = text.lower()
    for words, pattern in _SECRETS:
        if any(word in lower for word in words):
            text = pattern.sub(_named, text)
    return _RUN.sub(lambda found: "[secret]" if looks_random(found[0]) else found[0], text)


def _named(found: re.Match[str]) -> str:
    """The secret hidden, the name before it kept: `password: [secret]`."""
    return f"{found.groupdict().get('name', '')}[secret]"


def looks_random(word: str) -> bool:
    """Digits and letters of either case in turns, as chance would have it: keys do, identifiers and words do not.

    >>> looks_random("wJalrXUtnFEMI0K7MDENGbPxRfiCYEXA"), looks_random("gpt-4o-mini-2024-07-18-preview")
    (True, False)
    """
    sample = word[:256]
    if len(sample) < (32 if _HEX.fullmatch(sample) else 20) or _UUID.fullmatch(sample):
        return False
    turns = len(_TURN.findall(sample))
    return turns >= len(sample) / 4 and len(set(sample)) >= 10 and not sample.isalpha()


_STEPS: dict[Kind, Callable[[str], str]] = {
    "secret": _secrets,
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "phone": _phones,
}
