"""Protobuf text that is not UTF-8, mended on the wire: the decoder refuses a whole body for one bad character.

The wire is walked by the message descriptors. Only text fields change, and the lengths around them; ids, bytes and
unknown fields are copied. What is not protobuf is left to the decoder, which refuses it.
Source: protobuf.dev, "Encoding"; U+FFFD for each ill-formed part, as Python's errors="replace" (Unicode 3.9, D93b).
"""

from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from controlsurface.ingest.mend import bearer, called, is_pair, keyed, mark_on_wire

_DEPTH = 100  # the decoder's own bound
_MOST = 200_000  # texts mended in a body; one with more is noise
_VARINT, _FIXED64, _SIZED, _GROUP, _END, _FIXED32 = range(6)
_SIZES = {_FIXED64: 8, _FIXED32: 4}
_PROBED = {"Span", "LogRecord", "Metric"}  # most of these are sound, which the decoder finds out sooner


class _Malformed(Exception):
    """Not protobuf, or deeper than the decoder goes, or more noise than text."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to look at in a message: by tag its texts and messages (with None and their descriptor)."""

    fields: dict[int, tuple[FieldDescriptor, Descriptor | None]]
    bearer: tuple[FieldDescriptor, ...]
    probe: type[Message] | None
    is_pair: bool


@dataclass(slots=True)
class _Walk:
    """One pass over a body."""

    data: bytes
    count: int = 0

    def message(self, at: int, end: int, plan: _Plan, depth: int) -> tuple[bytes, list[str]] | None:
        """The message between two places, mended, and what its mended texts are called; None where it is sound."""
        if depth > _DEPTH:
            raise _Malformed
        if plan.probe and _is_sound(plan.probe, self.data[at:end]):
            return None
        parts: list[bytes] = []
        names: list[str] = []
        copied = at
        while at < end:
            first = at
            tag, at = _varint(self.data, at, end)
            if tag & 7 != _SIZED:
                at = _after(self.data, tag, at, end)
                continue
            size, begin = _varint(self.data, at, end)
            at = begin + size
            if at > end:
                raise _Malformed
            if tag not in plan.fields:
                continue
            field, descriptor = plan.fields[tag]
            mended = self._field(begin, at, descriptor, depth)
            if mended:
                parts += [self.data[copied:first], _sized(tag, mended[0])]
                names += [called(field, inner) for inner in mended[1]]
                copied = at
        if not parts:
            return None
        return self._whole(b"".join([*parts, self.data[copied:end]]), names, plan)

    def _field(self, begin: int, end: int, descriptor: Descriptor | None, depth: int) -> tuple[bytes, list[str]] | None:
        """A text or a message, mended; None where it is sound."""
        if (part := self.data[begin:end]).isascii():
            return None
        if descriptor:
            return self.message(begin, end, _plan(descriptor), depth + 1)
        try:
            part.decode()
        except UnicodeDecodeError:
            self.count += 1
            if self.count > _MOST:
                raise _Malformed from None
            return part.decode(errors="replace").encode(), [""]
        return None

    @staticmethod
    def _whole(message: bytes, names: list[str], plan: _Plan) -> tuple[bytes, list[str]]:
        """A mended message with its mark, or with what its text is called for those around it."""
        if plan.is_pair:
            return message, ["key"] if "key" in names else [keyed(_key(message))]
        if not plan.bearer or not names:
            return message, names
        tags = [field.number << 3 | _SIZED for field in plan.bearer]
        inner = mark_on_wire(tuple(names))
        *_, marked = accumulate(reversed(tags), lambda body, tag: _sized(tag, body), initial=inner)
        return message + marked, []


def _after(data: bytes, tag: int, at: int, end: int) -> int:
    """Where a field without a length ends."""
    depth = 0
    while True:
        kind = tag & 7
        if kind == _VARINT:
            _, at = _varint(data, at, end)
        elif kind in _SIZES:
            at += _SIZES[kind]
        elif kind == _SIZED:
            size, at = _varint(data, at, end)
            at += size
        elif kind in {_GROUP, _END}:
            depth += 1 if kind == _GROUP else -1
        else:
            raise _Malformed
        if at > end or not 0 <= depth <= _DEPTH:
            raise _Malformed
        if not depth:
            return at
        tag, at = _varint(data, at, end)


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number and the place behind it."""
    number = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        number |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return number, at
        shift += 7
    raise _Malformed


def mended(kind: type[Message], data: bytes) -> bytes | None:
    """The body with sound text and with marks; None where text is not what is wrong with it."""
    try:
        found = _Walk(data).message(0, len(data), _plan(kind.DESCRIPTOR), 0)
    except _Malformed:
        return None
    return found[0] if found else None


@cache
def _plan(descriptor: Descriptor) -> _Plan:
    fields: dict[int, tuple[FieldDescriptor, Descriptor | None]] = {
        field.number << 3 | _SIZED: (field, field.message_type)
        for field in descriptor.fields
        if field.message_type or field.type == FieldDescriptor.TYPE_STRING
    }
    probe: Any = GetMessageClass(descriptor) if descriptor.name in _PROBED else None
    return _Plan(fields, bearer(descriptor), probe, is_pair(descriptor))


def _is_sound(kind: type[Message], data: bytes) -> bool:
    try:
        kind.FromString(data)
    except DecodeError:
        return False
    return True


def _key(pair: bytes) -> str:
    """The key of an attribute whose text is mended; empty where something else is wrong with it."""
    try:
        return KeyValue.FromString(pair).key
    except DecodeError:
        return ""


def _sized(tag: int, body: bytes) -> bytes:
    return b"%b%b%b" % (_number(tag), _number(len(body)), body)


def _number(value: int) -> bytes:
    """As a varint."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
