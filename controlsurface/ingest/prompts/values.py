"""What of an OTLP value is kept: numbers, flags, identifiers in lists, and what columns read, at any depth."""

from collections.abc import Iterable

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from controlsurface.config import Content
from controlsurface.ingest.dropped import DROPPED, is_mark, mark
from controlsurface.ingest.otlp import text_of
from controlsurface.ingest.prompts.paths import Parts, Path, after
from controlsurface.ingest.prompts.texts import Texts

Said = tuple[bool, bool]  # whether a value changed, and whether something of it is, or was before, dropped

_HOLDING = frozenset(("string_value", "bytes_value", "array_value", "kvlist_value"))
_SAME: Said = (False, False)


def has_text(value: AnyValue) -> bool:
    """Whether a value is, or may hold, a text."""
    return value.WhichOneof("value") in _HOLDING


class Values:
    """The rule for values; each method changes its value in place."""

    def __init__(self, texts: Texts, content: Content) -> None:
        self._texts, self._bounds = texts, content

    def fact(self, value: AnyValue) -> Said:
        """A value under a known key: all of it, up to its length; of a longer text the beginning."""
        if value.WhichOneof("value") == "string_value":
            left = self._texts.fact(value.string_value)
            return put(value, left), len(left) > self._bounds.max_fact or is_mark(left)
        length = self.length(value)
        return (put(value, mark(length)), True) if length > self._bounds.max_fact else _SAME

    def other(self, value: AnyValue, parts: Parts, *, identifiers: bool) -> Said:
        """A value under a name that nobody vouches for."""
        if value.WhichOneof("value") == "string_value":
            text = value.string_value
            left = self._texts.other(text, parts, identifiers=identifiers)
            return put(value, left), DROPPED in left
        return _Walk(self._texts, parts, identifiers).value(value, parts.paths, "", inside=False)

    def length(self, value: AnyValue) -> int:
        """The characters (of bytes: the bytes) of all that a value says."""
        kind = value.WhichOneof("value")
        self._texts.spend(1)
        if kind == "array_value":
            return sum(map(self.length, value.array_value.values))
        if kind == "kvlist_value":
            return sum(len(pair.key) + self.length(pair.value) for pair in value.kvlist_value.values)
        return len(value.bytes_value) if kind == "bytes_value" else len(text_of(value))


class _Walk:
    """One walk over lists and maps."""

    def __init__(self, texts: Texts, parts: Parts, identifiers: bool) -> None:
        self._texts, self._parts, self._identifiers = texts, parts, identifiers

    def value(self, value: AnyValue, paths: tuple[Path, ...], name: str, *, inside: bool) -> Said:
        """`name` is that of the member, `inside` tells whether any list or map around it has members."""
        self._texts.spend(1)
        kind = value.WhichOneof("value")
        if kind == "string_value":
            left = self._text(value.string_value, name, here=() in paths, inside=inside)
            return put(value, left), DROPPED in left
        if kind == "bytes_value":
            return put(value, mark(len(value.bytes_value))), True
        if kind == "array_value":
            items = enumerate(value.array_value.values)
            said = _all(self.value(each, after(str(at), paths), "", inside=inside) for at, each in items)
        elif kind == "kvlist_value":
            said = _all(self._member(pair, paths) for pair in value.kvlist_value.values)
        else:
            return _SAME
        if () in paths and said[1]:
            value.Clear()  # half of what a column reads says nothing
        return said

    def _member(self, pair: KeyValue, paths: tuple[Path, ...]) -> Said:
        name, deeper = pair.key, after(pair.key, paths)
        changed, dropped = self.value(pair.value, deeper, name, inside=True)
        if not deeper and (left := self._texts.member_name(name)) != name:
            pair.key, changed, dropped = left, True, True
        return changed, dropped

    def _text(self, text: str, name: str, *, here: bool, inside: bool) -> str:
        if here:
            return self._texts.fact(text)
        if not inside and self._identifiers and self._texts.is_identifier(text):
            return text
        return self._texts.leaf(name, text, self._parts)


def _all(said: Iterable[Said]) -> Said:
    """What holds of a list or map: every part of it is looked at."""
    each = [*said]
    return any(changed for changed, _ in each), any(dropped for _, dropped in each)


def put(value: AnyValue, text: str) -> bool:
    """Text in place of a value; whether it is another."""
    if value.WhichOneof("value") == "string_value" and value.string_value == text:
        return False
    value.string_value = text
    return True
