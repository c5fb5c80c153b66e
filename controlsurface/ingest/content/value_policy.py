"""What of an OTLP value is kept: numbers, flags, identifiers in lists, and what columns read, at any depth."""

from collections.abc import Iterable

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from controlsurface.config import ContentConfig
from controlsurface.ingest.content.column_reads import ColumnParts, JsonPath, remaining_paths
from controlsurface.ingest.content.text_policy import TextPolicy
from controlsurface.ingest.otlp.trace_decoder import attribute_text
from controlsurface.ingest.wire.drop_marks import DROP_MARK_PREFIX, drop_mark, is_drop_mark

ChangedAndDropped = tuple[bool, bool]  # whether a value changed, and whether something of it is, or was before, dropped

_TEXT_FIELDS = frozenset(("string_value", "bytes_value", "array_value", "kvlist_value"))
_UNCHANGED: ChangedAndDropped = (False, False)


def has_text(value: AnyValue) -> bool:
    """Whether a value is, or may hold, a text."""
    return value.WhichOneof("value") in _TEXT_FIELDS


class ValuePolicy:
    """The rule for values; each method changes its value in place."""

    def __init__(self, texts: TextPolicy, content: ContentConfig) -> None:
        self._texts, self._bounds = texts, content

    def fact(self, value: AnyValue) -> ChangedAndDropped:
        """A value under a known key: all of it, up to its length; of a longer text the beginning."""
        if value.WhichOneof("value") == "string_value":
            left = self._texts.fact(value.string_value)
            return replace_any_value(value, left), len(left) > self._bounds.max_fact or is_drop_mark(left)
        length = self.length(value)
        return (replace_any_value(value, drop_mark(length)), True) if length > self._bounds.max_fact else _UNCHANGED

    def other(self, value: AnyValue, parts: ColumnParts, *, identifiers: bool) -> ChangedAndDropped:
        """A value under a name that nobody vouches for."""
        if value.WhichOneof("value") == "string_value":
            text = value.string_value
            left = self._texts.other(text, parts, identifiers=identifiers)
            return replace_any_value(value, left), DROP_MARK_PREFIX in left
        return _Walk(self._texts, parts, identifiers).value(value, parts.paths, "", inside=False)

    def length(self, value: AnyValue) -> int:
        """The characters (of bytes: the bytes) of all that a value says."""
        kind = value.WhichOneof("value")
        self._texts.spend(1)
        if kind == "array_value":
            return sum(map(self.length, value.array_value.values))
        if kind == "kvlist_value":
            return sum(len(pair.key) + self.length(pair.value) for pair in value.kvlist_value.values)
        return len(value.bytes_value) if kind == "bytes_value" else len(attribute_text(value))


class _Walk:
    """One walk over lists and maps."""

    def __init__(self, texts: TextPolicy, parts: ColumnParts, identifiers: bool) -> None:
        self._texts, self._parts, self._identifiers = texts, parts, identifiers

    def value(self, value: AnyValue, paths: tuple[JsonPath, ...], name: str, *, inside: bool) -> ChangedAndDropped:
        """`name` is that of the member, `inside` tells whether any list or map around it has members."""
        self._texts.spend(1)
        kind = value.WhichOneof("value")
        if kind == "string_value":
            left = self._text(value.string_value, name, here=() in paths, inside=inside)
            return replace_any_value(value, left), DROP_MARK_PREFIX in left
        if kind == "bytes_value":
            return replace_any_value(value, drop_mark(len(value.bytes_value))), True
        if kind == "array_value":
            items = enumerate(value.array_value.values)
            said = _all(self.value(each, remaining_paths(str(at), paths), "", inside=inside) for at, each in items)
        elif kind == "kvlist_value":
            said = _all(self._member(pair, paths) for pair in value.kvlist_value.values)
        else:
            return _UNCHANGED
        if () in paths and said[1]:
            value.Clear()  # half of what a column reads says nothing
        return said

    def _member(self, pair: KeyValue, paths: tuple[JsonPath, ...]) -> ChangedAndDropped:
        name, deeper = pair.key, remaining_paths(pair.key, paths)
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


def _all(said: Iterable[ChangedAndDropped]) -> ChangedAndDropped:
    """What holds of a list or map: every part of it is looked at."""
    each = [*said]
    return any(changed for changed, _ in each), any(dropped for _, dropped in each)


def replace_any_value(value: AnyValue, text: str) -> bool:
    """Text in place of a value; whether it is another."""
    if value.WhichOneof("value") == "string_value" and value.string_value == text:
        return False
    value.string_value = text
    return True
