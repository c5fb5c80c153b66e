"""Two copies of one span become one, the same whatever the order of arrival.

Every field takes the larger of its two values under a fixed order in which "absent" is smallest, and lists
become sorted unions: commutative, associative, idempotent.
"""

from collections.abc import Iterable
from typing import TypeVar

from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

_M = TypeVar("_M", bound=Message)


def merge_spans(one: Span, other: Span) -> Span:
    """The union of two copies of a span; `one` itself when they are equal."""
    if one == other:
        return one
    result = Span(trace_id=one.trace_id, span_id=one.span_id)
    result.parent_span_id = max(one.parent_span_id, other.parent_span_id)
    result.name = max(one.name, other.name)
    result.kind = max(one.kind, other.kind)
    result.trace_state = max(one.trace_state, other.trace_state)
    result.flags = one.flags | other.flags
    result.start_time_unix_nano = _start(one, other)
    result.end_time_unix_nano = max(one.end_time_unix_nano, other.end_time_unix_nano)
    result.status.CopyFrom(max((one.status, other.status), key=_status_rank))
    result.attributes.extend(_attributes([*one.attributes, *other.attributes]))
    result.events.extend(sorted(_union([*one.events, *other.events]), key=_time))
    result.links.extend(_union([*one.links, *other.links]))
    result.dropped_attributes_count = max(one.dropped_attributes_count, other.dropped_attributes_count)
    result.dropped_events_count = max(one.dropped_events_count, other.dropped_events_count)
    result.dropped_links_count = max(one.dropped_links_count, other.dropped_links_count)
    return result


def _start(one: Span, other: Span) -> int:
    """The earlier start, 0 being none; a copy without an end, such as a log record's, only says when it was written."""
    ended = [span for span in (one, other) if span.end_time_unix_nano] or [one, other]
    return min((span.start_time_unix_nano for span in ended if span.start_time_unix_nano), default=0)


def _time(event: Span.Event) -> int:
    return event.time_unix_nano


def _status_rank(status: Status) -> tuple[int, str]:
    return status.code, status.message


def _bytes(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


def _attributes(attributes: list[KeyValue]) -> list[KeyValue]:
    """One attribute a key, the greater value winning, sorted by key."""
    best: dict[str, KeyValue] = {}
    for attribute in attributes:
        known = best.get(attribute.key)
        if known is None or _bytes(known.value) < _bytes(attribute.value):
            best[attribute.key] = attribute
    return [best[key] for key in sorted(best)]


def _union(messages: Iterable[_M]) -> list[_M]:
    """Distinct messages in the order of their bytes."""
    return [message for _, message in sorted({_bytes(m): m for m in messages}.items())]
