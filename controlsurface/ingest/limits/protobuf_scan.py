"""How many items and fields a protobuf body has, counted on the wire, in time and memory that are bounded.

Envelopes are walked down to the items, whose number is exact. Fields of items are counted in a few of them, chosen by
chance in proportion to their bytes, and in all of them where these are crowded: with the body of an honest sender this
takes less than a hundredth of the time that decoding takes. A field has at least two bytes, so a small body is not
looked at.
Source: protobuf.dev, "Encoding".
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from google.protobuf.descriptor import Descriptor

from controlsurface.errors import BadBody
from controlsurface.ingest.limits.body_limits import BodyLimits
from controlsurface.ingest.wire.mend_utf8 import MalformedProtobuf, field_end, read_varint
from controlsurface.ingest.wire.signals import EXPORT_REQUESTS, Signal

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
    for each in descriptor.fields:
        if each.message_type:
            plan.messages[each.number << 3 | _SIZED] = _planned(each.message_type, known)
    return plan
