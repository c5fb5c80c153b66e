"""What one body may hold, counted before it is decoded: an empty message of two bytes takes a hundred in memory."""

import random
from collections import Counter
from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from google.protobuf.descriptor import Descriptor

from controlsurface import config
from controlsurface.errors import BadBody, OverLimit
from controlsurface.ingest.wire.mend_utf8 import MalformedProtobuf, field_end, read_varint
from controlsurface.ingest.wire.otlp_request import EXPORT_REQUESTS, Signal


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a body may hold; the names are those of the configuration."""

    max_items: int
    max_fields: int
    max_attributes: int
    max_events: int
    max_names: int

    @classmethod
    def of(cls, receiver: config.ReceiverConfig) -> "BodyLimits":
        """As configured."""
        return cls(**{name: getattr(receiver, name) for name in cls.__slots__})

    def items(self, count: int) -> None:
        """Raises OverLimit where so many spans, records, points, resources and scopes are too many."""
        if count > self.max_items:
            what = "spans, log records, data points, resources and scopes"
            raise OverLimit(f"the body has more than {self.max_items} {what}; {_hint('max_items')}")

    def fields(self, count: float) -> None:
        """Raises OverLimit where so many fields are too many."""
        if count > self.max_fields:
            raise OverLimit(f"the body has more than {self.max_fields} fields; {_hint('max_fields')}")


def _hint(key: str) -> str:
    return f"send smaller batches, or raise receiver.{key}"


DEFAULT_BODY_LIMITS = BodyLimits.of(config.ReceiverConfig())
_FIELDS_PER_INSPECTION = 8  # a field that must be looked at in Python costs as much as so many that are decoded


class BodyBudget:
    """The looks that one body may cost, and what was cut off it."""

    def __init__(self, limits: BodyLimits) -> None:
        self.limits = limits
        self.begin()

    def begin(self) -> None:
        """Another body comes."""
        self._left = self.limits.max_fields // _FIELDS_PER_INSPECTION
        self._names = self.limits.max_names
        self.trimmed = 0

    def name(self) -> None:
        """An attribute name that was not met before. Raises OverLimit where there are too many."""
        self._names -= 1
        if self._names < 0:
            hint = "put what varies into values, or raise receiver.max_names"
            most = self.limits.max_names
            raise OverLimit(f"the body has more than {most} attribute names that were never sent before; {hint}")

    def spend(self, looks: int) -> None:
        """Raises OverLimit where the body makes more work than one may."""
        self._left -= looks
        if self._left < 0:
            most = self.limits.max_fields // _FIELDS_PER_INSPECTION
            what = f"{most} attributes, events, links and nested values of the body"
            raise OverLimit(f"more than {what} must be looked at one by one; {_hint('max_fields')}")

    def attributes(self, owner: Any, field: str = "attributes") -> bool:
        """Cut attributes over the limit off a message, which counts them; whether there were any."""
        return self.cut(owner, getattr(owner, field), self.limits.max_attributes, "dropped_attributes_count")

    def cut(self, owner: Any, parts: MutableSequence[Any], most: int, counter: str) -> bool:
        """Cut a list to its first parts; whether it was longer."""
        over = len(parts) - most
        if over <= 0:
            return False
        del parts[most:]
        self.trimmed += over
        if counter in owner.DESCRIPTOR.fields_by_name:
            setattr(owner, counter, min(getattr(owner, counter) + over, 0xFFFF_FFFF))
        return True


_CHUNK_BYTES = 1 << 20  # bytes looked at together
_QUOTE = ord('"')


def scan_json(body: bytes, limits: BodyLimits) -> None:
    """Raises OverLimit where there are too many values. Punctuation in texts is told apart only where it matters."""
    if len(body) > limits.max_fields and sum(map(body.count, (b",", b"{", b"["))) > limits.max_fields:
        limits.fields(_values(body, limits.max_fields))


def _values(body: bytes, most: int) -> int:
    """Commas and opening brackets outside of texts, not many more than `most` of them."""
    plain = body.replace(rb"\\", b"__").replace(rb"\"", b"__")
    count, inside = 0, False
    for at in range(0, len(plain), _CHUNK_BYTES):
        part = np.frombuffer(plain, np.uint8, min(_CHUNK_BYTES, len(plain) - at), at)
        texts = np.logical_xor.accumulate(part == _QUOTE) ^ inside
        marks = (part == ord(",")) | (part == ord("{")) | (part == ord("["))
        count += int(np.count_nonzero(marks & ~texts))
        inside = bool(texts[-1])
        if count > most:
            break
    return count


_SAMPLE_COUNT = 48
_SAMPLE_LIMIT_DIVISOR = 32  # parts of the limit: the fields that are counted of an item in the sample
_MIN_FIELD_BYTES = 2  # at least
_MAX_ENVELOPE_FIELDS_PER_ITEM = 8  # fields of envelopes for each item; honest ones have six
_CERTAIN_EXCESS_FACTOR = 2  # times the limit, from which on an estimate needs no proof
_ENVELOPES = {
    *(f"{around}{what}" for around in ("Resource", "Scope") for what in ("Spans", "Logs", "Metrics")),
    *("Metric", "Gauge", "Sum", "Histogram", "ExponentialHistogram", "Summary"),
}
_SIZED = 2  # the wire type of messages and texts


@dataclass(slots=True)
class _Plan:
    """The messages in a message, by tag."""

    is_envelope: bool
    messages: "dict[int, _Plan]" = field(default_factory=dict)


_Place = tuple[int, int, _Plan]  # of a message: where it begins and ends, and what it is


def scan_protobuf(signal: Signal, body: bytes, limits: BodyLimits) -> None:
    """Raises OverLimit where the body has too many items, or fields in all; BadBody where it is no protobuf."""
    if len(body) <= _MIN_FIELD_BYTES * min(limits.max_items, limits.max_fields):
        return
    whole = (0, len(body), _plan(EXPORT_REQUESTS[signal].DESCRIPTOR))
    try:
        items = _items(body, whole, limits)
        if len(body) > _MIN_FIELD_BYTES * limits.max_fields:
            estimate, is_sure = _estimate(body, items, limits.max_fields)
            limits.fields(estimate if is_sure else _fields(body, whole, limits.max_fields)[0])
    except (MalformedProtobuf, IndexError):
        raise BadBody(f"not an {EXPORT_REQUESTS[signal].__name__}: it is cut or damaged") from None


def _items(body: bytes, whole: _Place, limits: BodyLimits) -> list[_Place]:
    """The spans, log records, data points, resources and scopes. Raises OverLimit where there are too many."""
    envelopes, steps, met = [whole], 0, 0
    items: list[_Place] = []
    while envelopes:
        at, end, plan = envelopes.pop()
        while at < end:
            steps += 1
            if steps > _MAX_ENVELOPE_FIELDS_PER_ITEM * limits.max_items:
                limits.items(steps)
            tag, at = (body[at], at + 1) if body[at] < 128 else read_varint(body, at, end)
            if tag & 7 != _SIZED:
                at = field_end(body, tag, at, end)
                continue
            size = body[at]
            if size < 128:
                at += 1
            elif body[at + 1] < 128:  # the size of most items, for which no function is called
                size, at = size & 127 | body[at + 1] << 7, at + 2
            else:
                size, at = read_varint(body, at, end)
            if inner := plan.messages.get(tag):
                (envelopes if inner.is_envelope else items).append((at, at + size, inner))
                met += 1
                if met > limits.max_items:
                    limits.items(met)
            at += size
    return items


def _estimate(body: bytes, items: Sequence[_Place], most: int) -> tuple[float, bool]:
    """Fields of the body, by those of a sample of its items, and whether that decides.

    Large items are the likelier to be in the sample; of those with very many fields the first are counted.
    """
    sizes = [end - begin for begin, end, _ in items]
    if not (total := sum(sizes)):
        return 0, True
    chosen = Counter(random.choices(range(len(items)), sizes, k=_SAMPLE_COUNT))  # noqa: S311 - it guards no secret
    crowding, is_whole = 0.0, True
    for at, times in chosen.items():
        fields, read = _fields(body, items[at], most // _SAMPLE_LIMIT_DIVISOR)
        crowding += times * fields / read
        is_whole &= read >= sizes[at]
    estimate = total * crowding / _SAMPLE_COUNT
    return estimate, estimate >= _CERTAIN_EXCESS_FACTOR * most or (is_whole and estimate <= most)


def _fields(body: bytes, root: _Place, most: int) -> tuple[int, int]:
    """Fields of a message and of all messages in it, and the bytes read for it; no more than `most` and one."""
    stack, count = [root], 0
    while stack:
        at, end, plan = stack.pop()
        while at < end:
            count += 1
            if count > most:
                return count, at + 1 - root[0]
            tag, at = (body[at], at + 1) if body[at] < 128 else read_varint(body, at, end)
            if tag & 7 != _SIZED:
                at = field_end(body, tag, at, end)
                continue
            size, at = (body[at], at + 1) if body[at] < 128 else read_varint(body, at, end)
            if size and (inner := plan.messages.get(tag)):
                stack.append((at + size, end, plan))  # for later, so that no more waits than is nested
                end, plan = at + size, inner
            else:
                at += size
    return count, root[1] - root[0]


@cache
def _plan(descriptor: Descriptor) -> _Plan:
    """The plan of a message; a message that may be in itself is in its own plan."""
    return _planned(descriptor, {})


def _planned(descriptor: Descriptor, known: dict[str, _Plan]) -> _Plan:
    if plan := known.get(descriptor.full_name):
        return plan
    is_root = descriptor.name.endswith("ServiceRequest")
    plan = known[descriptor.full_name] = _Plan(is_root or descriptor.name in _ENVELOPES)
    parts = {each.number << 3 | _SIZED: each.message_type for each in descriptor.fields if each.message_type}
    plan.messages |= {tag: _planned(part, known) for tag, part in parts.items()}
    return plan
