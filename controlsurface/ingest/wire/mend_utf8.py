"""Protobuf text that is not UTF-8, mended on the wire: the decoder refuses a whole body for one bad character.

The wire is walked by the message descriptors. Only text fields change, and the lengths around them; ids, bytes and
unknown fields are copied. What is not protobuf is left to the decoder, which refuses it.
Source: protobuf.dev, "Encoding"; U+FFFD for each ill-formed part, as Python's errors="replace" (Unicode 3.9, D93b).
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from controlsurface.ingest.wire import mend_marks

M = TypeVar("M", bound=Message)
_MAX_DEPTH = 100  # the decoder's own bound
_MAX_MENDED_TEXTS = 100_000  # texts mended in a body; one with more is noise
_MAX_FIELDS = 1_000_000  # walked in a body; one with more takes longer than a sender waits
_MAX_GROUP_FIELDS = 1000  # fields in a group, which OTLP has none of
_ASCII_CHECK_BYTES = 1 << 16  # bytes of which it is quicker to see at once that they are ASCII
_VARINT, _FIXED64, _SIZED, _GROUP, _END, _FIXED32 = range(6)
_SIZES = {_FIXED64: 8, _FIXED32: 4}
_PROBED = {"Span", "LogRecord", "Metric"}  # most of these are sound, which the decoder finds out sooner


class MalformedProtobuf(Exception):
    """Not protobuf, or deeper than the decoder goes, or more noise than text."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to look at in a message: by tag its texts and messages (with None and their descriptor)."""

    fields: dict[int, tuple[FieldDescriptor, Descriptor | None]]
    bearer: tuple[FieldDescriptor, ...]
    probe: type[Message] | None
    key_tag: int  # of an attribute's key, which names what is mended in its value; 0 elsewhere


@dataclass(slots=True)
class _Mended:
    """A mended text or message: its bytes in parts, joined once at the end, and what its mended texts are called."""

    parts: list[bytes]
    names: list[str]
    size: int

    def add(self, *parts: bytes) -> None:
        self.parts += parts
        self.size += sum(map(len, parts))

    def enclose(self, before: bytes, tag: int, field: FieldDescriptor, inner: "_Mended") -> None:
        """Go on with what lies before a field, and the field."""
        self.add(before, _number(tag), _number(inner.size))
        self.parts += inner.parts
        self.size += inner.size
        self.names += [mend_marks.mended_field_name(field, name) for name in inner.names]

    def close(self, plan: _Plan, key: bytes) -> None:
        """Mark the whole message, or say what its text is called to those around it."""
        if plan.key_tag:
            name = mend_marks.mended_value_name(key.decode(errors="replace"))
            self.names = ["key"] if "key" in self.names else [name]
        elif plan.bearer and self.names:
            self.add(_mark(plan.bearer, tuple(self.names)))
            self.names = []


@dataclass(slots=True)
class _Walk:
    """One pass over a body."""

    data: bytes
    count: int = 0
    fields: int = 0

    def message(self, at: int, end: int, plan: _Plan, depth: int) -> _Mended | None:
        """The message between two places, mended; None where it is sound."""
        if depth > _MAX_DEPTH:
            raise MalformedProtobuf
        if plan.probe and _is_sound(plan.probe, self.data[at:end]):
            return None
        found = _Mended([], [], 0)
        copied, key = at, b""
        while at < end:
            first = at
            self.fields += 1
            if self.fields > _MAX_FIELDS:
                raise MalformedProtobuf
            tag, at = read_varint(self.data, at, end)
            if tag & 7 != _SIZED:
                at = field_end(self.data, tag, at, end)
                continue
            size, begin = read_varint(self.data, at, end)
            at = begin + size
            if at > end:
                raise MalformedProtobuf
            if tag not in plan.fields:
                continue
            field, descriptor = plan.fields[tag]
            key = self.data[begin:at] if tag == plan.key_tag else key
            if mended := self._field(begin, at, descriptor, depth):
                found.enclose(self.data[copied:first], tag, field, mended)
                copied = at
        if not found.parts:
            return None
        found.add(self.data[copied:end])
        found.close(plan, key)
        return found

    def _field(self, begin: int, end: int, descriptor: Descriptor | None, depth: int) -> _Mended | None:
        """A text or a message, mended; None where it is sound."""
        if end - begin < _ASCII_CHECK_BYTES and self.data[begin:end].isascii():
            return None
        if descriptor:
            return self.message(begin, end, _plan(descriptor), depth + 1)
        text = self.data[begin:end]
        try:
            text.decode()
        except UnicodeDecodeError:
            self.count += 1
            if self.count > _MAX_MENDED_TEXTS:
                raise MalformedProtobuf from None
            sound = text.decode(errors="replace").encode()
            return _Mended([sound], [""], len(sound))
        return None


@lru_cache(1000)
def _mark(bearer: tuple[FieldDescriptor, ...], names: tuple[str, ...]) -> bytes:
    """A mark as a field of the message that `mark_holder_path` begins in."""
    body = mend_marks.mended_mark(names).SerializeToString()
    for field in reversed(bearer):
        body = b"%b%b%b" % (_number(field.number << 3 | _SIZED), _number(len(body)), body)
    return body


def field_end(data: bytes, tag: int, at: int, end: int) -> int:
    """Where a field without a length ends. Raises Malformed."""
    depth = 0
    for _ in range(_MAX_GROUP_FIELDS):
        kind = tag & 7
        if kind == _VARINT:
            _, at = read_varint(data, at, end)
        elif kind in _SIZES:
            at += _SIZES[kind]
        elif kind == _SIZED:
            size, at = read_varint(data, at, end)
            at += size
        elif kind in {_GROUP, _END}:
            depth += 1 if kind == _GROUP else -1
        else:
            raise MalformedProtobuf
        if at > end or not 0 <= depth <= _MAX_DEPTH:
            raise MalformedProtobuf
        if not depth:
            return at
        tag, at = read_varint(data, at, end)
    raise MalformedProtobuf


def read_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number and the place behind it. Raises Malformed."""
    number = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        number |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return number, at
        shift += 7
    raise MalformedProtobuf


def mend_protobuf(kind: type[Message], data: bytes) -> bytes | None:
    """The body with sound text and with marks; None where text is not what is wrong with it."""
    try:
        found = _Walk(data).message(0, len(data), _plan(kind.DESCRIPTOR), 0)
    except MalformedProtobuf:
        return None
    return b"".join(found.parts) if found else None


def parse_protobuf(kind: type[M], data: bytes) -> M:
    """The message, mended where its text is no Unicode; empty where it is none of this kind."""
    try:
        return kind.FromString(data)
    except DecodeError:
        with suppress(DecodeError):
            return kind.FromString(mend_protobuf(kind, data) or b"")
    return kind()


@cache
def _plan(descriptor: Descriptor) -> _Plan:
    fields: dict[int, tuple[FieldDescriptor, Descriptor | None]] = {
        field.number << 3 | _SIZED: (field, field.message_type)
        for field in descriptor.fields
        if field.message_type or field.type == FieldDescriptor.TYPE_STRING
    }
    probe: Any = GetMessageClass(descriptor) if descriptor.name in _PROBED else None
    key_tag = descriptor.fields_by_name["key"].number << 3 | _SIZED if mend_marks.is_key_value(descriptor) else 0
    return _Plan(fields, mend_marks.mark_holder_path(descriptor), probe, key_tag)


def _is_sound(kind: type[Message], data: bytes) -> bool:
    try:
        kind.FromString(data)
    except DecodeError:
        return False
    return True


def _number(value: int) -> bytes:
    """As a varint."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
