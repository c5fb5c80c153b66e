"""Personal data and secrets in texts and OTLP values, replaced by what they are: `[email]`, `[card]`, `[secret]` ..."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from controlsurface.ingest.content.redaction.personal_numbers import (
    iban_remainder,
    is_luhn_valid,
    redact_birth_dates,
    redact_cards,
    redact_ibans,
    redact_ip_addresses,
    redact_phones,
    redact_ssn,
)
from controlsurface.ingest.content.redaction.secret_patterns import SECRET_NAME, looks_random, redact_secrets

__all__ = ["RedactionKind", "Redactor", "iban_remainder", "is_luhn_valid", "looks_random"]

RedactionKind = Literal["email", "phone", "card", "iban", "ssn", "ip", "birth", "secret"]
Tree = dict[str, "Tree"] | list["Tree"] | str | int | float | bool | None

_DOMAIN = re.compile(r"(?:[\w-]++\.)++[\w-]*+")
_LOCAL = frozenset("_.%+-")
_EMBEDDED = re.compile(r'\s*+[\[{"]')


class Redactor:
    """Replaces the kinds it was made for; secrets first, since a token may look like anything else."""

    def __init__(self, kinds: Iterable[RedactionKind]) -> None:
        wanted = set(kinds)
        self._steps = [step for kind, step in REDACTION_STEPS.items() if kind in wanted]

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
        """A member of an object: `{"password": "hunter2"}` is a secret by its name, as a birth date is one by its."""
        if isinstance(value, str) and redact_secrets in self._steps and SECRET_NAME.search(key):
            return "[secret]"
        if (
            isinstance(value, str)
            and redact_birth_dates in self._steps
            and redact_birth_dates(f"{key}: {value}") == f"{key}: [birth]"
        ):
            return "[birth]"
        return self._tree(value)


def redact_emails(text: str) -> str:
    """Addresses of mail: read to both sides of each @."""
    kept, done, at = [], 0, text.find("@")
    while at >= 0:
        start = at
        while start > done and (text[start - 1].isalnum() or text[start - 1] in _LOCAL):
            start -= 1
        domain = _DOMAIN.match(text, at + 1) if start < at else None
        if domain:
            kept += [text[done:start], "[email]"]
            done = domain.end()
        at = text.find("@", max(at + 1, done))
    return "".join(kept) + text[done:] if kept else text


REDACTION_STEPS: dict[RedactionKind, Callable[[str], str]] = {
    "secret": redact_secrets,
    "email": redact_emails,
    "iban": redact_ibans,
    "card": redact_cards,
    "ssn": redact_ssn,
    "birth": redact_birth_dates,
    "ip": redact_ip_addresses,
    "phone": redact_phones,
}

MIN_CARD_NUMBER = 10**11


def redact_any_value(value: AnyValue, redactor: Redactor, spare: Callable[[str], bool] | None = None) -> bool:
    """Redact every text in a value, names of members too, but what `spare` spares; whether anything changed."""
    changed = False
    for pair in _members(value):
        if not (spare and spare(pair.key)) and (clean := redactor.text(pair.key)) != pair.key:
            pair.key, changed = clean, True
    for each in _leaves(value):
        if spare and each.HasField("string_value") and spare(each.string_value):
            continue
        if each.HasField("bytes_value"):  # cannot be looked into
            each.string_value, changed = "[bytes]", True
        elif each.HasField("int_value"):
            number = str(each.int_value)
            if (clean := redactor.text(number)) != number:
                each.string_value, changed = clean, True
        elif (clean := redactor.text(each.string_value)) != each.string_value:
            each.string_value, changed = clean, True
    return changed


def _members(value: AnyValue) -> Iterator[KeyValue]:
    """The members of all maps in a value."""
    for pair in value.kvlist_value.values if value.HasField("kvlist_value") else ():
        yield pair
        yield from _members(pair.value)
    for each in value.array_value.values if value.HasField("array_value") else ():
        yield from _members(each)


def _leaves(value: AnyValue) -> Iterator[AnyValue]:
    """The texts and bytes of a value, and the numbers that may be a card's, however deep."""
    kind = value.WhichOneof("value")
    if kind in {"string_value", "bytes_value"} or (kind == "int_value" and value.int_value > MIN_CARD_NUMBER):
        yield value
    elif kind == "array_value":
        for each in value.array_value.values:
            yield from _leaves(each)
    elif kind == "kvlist_value":
        for pair in value.kvlist_value.values:
            yield from _leaves(pair.value)
