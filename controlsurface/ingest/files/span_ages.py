"""How old the spans of files are, looked at before any is stored: what is older than it is kept would not stay."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from controlsurface.config import RetentionConfig
from controlsurface.errors import BadBody
from controlsurface.ingest.files.otlp_files import FileBody
from controlsurface.ingest.otlp import json_values
from controlsurface.ingest.wire.mend_utf8 import parse_protobuf
from controlsurface.ingest.wire.otlp_request import request_items
from controlsurface.store.retention_terms import retention_cuts

_FIRST_NS, _LAST_NS = 946_684_800 * 10**9, 7_258_118_400 * 10**9  # 2000 and 2200: other times are those of receipt
_START_TIME_KEYS = ("startTimeUnixNano", "start_time_unix_nano")


@dataclass(frozen=True, slots=True)
class SpanAges:
    """How many things there are, how many of them began before a time, and when the first and last of these began."""

    n: int = 0
    old: int = 0
    first_ns: int = 0
    last_ns: int = 0

    def __add__(self, other: "SpanAges") -> "SpanAges":
        """Both together."""
        sides = [each for each in (self, other) if each.old]
        counted = SpanAges(self.n + other.n, self.old + other.old)
        if not sides:
            return counted
        first, last = min(each.first_ns for each in sides), max(each.last_ns for each in sides)
        return replace(counted, first_ns=first, last_ns=last)


@dataclass(frozen=True, slots=True)
class RetentionWindow:
    """How long a store keeps things, and the time before which it takes nothing any more (UTC), if it has one."""

    retention: RetentionConfig
    window: timedelta
    frozen: datetime | None = None

    def before(self, now: datetime) -> datetime:
        """What began before this would be gone within the hour, or is not even stored."""
        cut = retention_cuts(self.retention, now, self.window).before
        gone = max(cut["spans"], cut["requests"])
        return max(gone, self.frozen) if self.frozen else gone

    def advice(self, ages: SpanAges, now: datetime) -> str:
        """Which keys to raise, and to what, so that rows of these ages stay."""
        first = _moment(ages.first_ns)
        if self.frozen and first < self.frozen:
            return f"this store takes nothing older than {self.frozen:%Y-%m-%d %H:%M} any more; use another --data"
        days = ceil((now - first) / timedelta(days=1)) + 1
        short = [name for name in ("spans", "requests", "rollups") if getattr(self.retention, name).days < days]
        named = " and ".join(f"retention.{name}" for name in short)
        return f'raise {named} to "{days}d" or more'


def count_span_ages(starts: Iterable[int], before: datetime) -> SpanAges:
    """Of start times in Unix nanoseconds. Times that cannot be are those of receipt, and so never old."""
    cut = int(before.timestamp()) * 10**9
    n = old = 0
    first, last = _LAST_NS, 0
    for start in starts:
        n += 1
        if _FIRST_NS <= start < cut:
            old, first, last = old + 1, min(first, start), max(last, start)
    return SpanAges(n, old, first, last) if old else SpanAges(n)


def span_start_times(found: FileBody) -> Iterator[int]:
    """When the spans of a body began, Unix nanoseconds; nothing for other signals, and of what cannot be read."""
    if found.signal != "traces":
        return
    if found.encoding == "json":
        try:
            yield from _json_starts(json_values.parse_json(found.payload))
        except BadBody:
            return
    else:
        request = parse_protobuf(ExportTraceServiceRequest, found.payload)
        yield from (span.start_time_unix_nano for span in request_items("traces", request))


def span_age_warning(ages: SpanAges, what: str) -> str:
    """How many are too old, and of when."""
    first, last = (f"{_moment(each):%Y-%m-%d %H:%M}" for each in (ages.first_ns, ages.last_ns))
    return f"{ages.old:,} of {ages.n:,} {what} are older than they are kept, {first} to {last} UTC"


def _moment(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns / 1e9, UTC)


def _json_starts(part: Any) -> Iterator[int]:
    """Start times anywhere in a document."""
    if isinstance(part, list):
        for each in part:
            yield from _json_starts(each)
    elif isinstance(part, dict):
        said = next((part[name] for name in _START_TIME_KEYS if name in part), None)
        if said is not None:
            yield int(said) if str(said).isdecimal() else 0
            return
        for each in part.values():
            if isinstance(each, list | dict):
                yield from _json_starts(each)
