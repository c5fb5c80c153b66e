"""Prometheus text exposition 0.0.4: the server's own health, and the last five minutes per lane and task type."""

import resource
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controlsurface import __version__
from controlsurface.errors import BadRequest
from controlsurface.metrics.metric import Metric, Unit
from controlsurface.metrics.query import QueryArgs, find
from controlsurface.reader import Reader

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
WINDOW = timedelta(minutes=5)

# What is itself about lanes is not broken down by them.
_BY_TASK = (
    "escalation_rate",
    "escalation_rate_routed",
    "escalation_rate_cascaded",
    "escalation_rate_fallback",
    "confidence_below_threshold",
    "confidence_knife_edge",
)
_BY_LANE_AND_TASK = (
    "requests",
    "fallback_rate",
    "cache_hit_rate",
    "error_rate",
    "attempt_error_rate",
    "gate_failure_rate",
    "latency_p50",
    "latency_p95",
    "latency_p99",
    "ttft_p95",
    "cost",
    "priced_share",
    "input_tokens",
    "output_tokens",
)
EXPOSED = dict.fromkeys(_BY_TASK, ("task_type",)) | dict.fromkeys(_BY_LANE_AND_TASK, ("lane", "task_type"))

# Prometheus counts in base units and writes them behind the name.
_UNITS: dict[Unit, tuple[str, float]] = {
    "count": ("", 1),
    "ratio": ("_ratio", 1),
    "ms": ("_seconds", 0.001),
    "usd": ("_usd", 1),
    "tokens": ("", 1),
}
_COUNTED = {
    "received": "Spans that arrived.",
    "accepted": "Spans that were answered for.",
    "rejected": "Spans refused because they are invalid.",
    "duplicate": "Spans that were stored already.",
    "late": "Spans that came after their request had been derived.",
    "unrecognised": "Spans that no vocabulary recognises.",
}
_COUNTED_BESIDES = {
    "stored": "Items whose journal record is in the store.",
    "set_aside": "Items kept whole because no batch with them could be stored.",
    "bodies": "Bodies answered with success.",
    "bad_bodies": "Bodies that could not be decoded.",
    "too_large": "Bodies over the size limit.",
    "refused": "Bodies told to come again later.",
    "bytes": "Bytes of bodies, after decompression.",
}
_STARTED = time.time()


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family and its samples."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def render(reader: Reader) -> str:
    """All families as text."""
    return "".join(_text(family) for family in (*_process(), *_ingest(reader), *_figures(reader)))


def _text(family: Family) -> str:
    """One family: HELP, TYPE, samples."""
    head = f"# HELP {family.name} {_escaped(family.help)}\n# TYPE {family.name} {family.kind}\n"
    return head + "".join(f"{family.name}{_labels(labels)} {float(value)!r}\n" for labels, value in family.samples)


def _labels(labels: Mapping[str, str]) -> str:
    """`{lane="small"}`, or nothing."""
    pairs = ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(text: str, *, quotes: bool = False) -> str:
    """Backslash and line feed, and in label values the quote, are escaped."""
    escaped = text.replace("\\", r"\\").replace("\n", r"\n")
    return escaped.replace('"', r"\"") if quotes else escaped


def _process() -> Iterator[Family]:
    """The process, under the names that all of Prometheus's clients use."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    yield _one("process_cpu_seconds_total", "counter", "User and system CPU time.", usage.ru_utime + usage.ru_stime)
    yield _one("process_resident_memory_bytes", "gauge", "Resident memory.", _resident_bytes(usage.ru_maxrss))
    yield _one("process_start_time_seconds", "gauge", "Start of the process, Unix time.", _STARTED)
    yield Family("controlsurface_build_info", "gauge", "The version that runs.", (({"version": __version__}, 1),))


def _resident_bytes(peak: int) -> int:
    """Resident memory now where the system says so, else its peak."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text("ascii").split()[1]) * resource.getpagesize()
    return peak if sys.platform == "darwin" else peak * 1024


def _ingest(reader: Reader) -> Iterator[Family]:
    """The receivers' counters and how far the store is behind."""
    state = reader.ingest()
    prefix = "controlsurface_ingest"
    for name, help_ in _COUNTED.items():
        yield _one(f"{prefix}_{name}_spans_total", "counter", help_, getattr(state, name))
    for name, help_ in _COUNTED_BESIDES.items():
        if name in state.counters:
            yield _one(f"{prefix}_{name}_total", "counter", help_, state.counters[name])
    yield _one(f"{prefix}_pending_spans", "gauge", "Spans answered for but not yet visible.", state.pending)
    yield _one(f"{prefix}_lag_seconds", "gauge", "How far the newest visible span is behind.", state.lag_ms / 1e3)
    if state.last_accepted_at:
        last = state.last_accepted_at.timestamp()
        yield _one(f"{prefix}_last_accepted_timestamp_seconds", "gauge", "When spans were last accepted.", last)
    yield _one("controlsurface_ready", "gauge", "1 when traffic is taken.", not reader.health())


def _one(name: str, kind: str, help_: str, value: float) -> Family:
    """A family of one sample."""
    return Family(name, kind, help_, (({}, value),))


def _figures(reader: Reader) -> Iterator[Family]:
    """The control surface's metrics over the window, per lane and task type."""
    start = datetime.now(UTC) - WINDOW
    for name, by in EXPOSED.items():
        try:
            rows = reader.query(QueryArgs(metric=name, by=by, start=start)).rows.to_pylist()
        except BadRequest:  # more series than one answer holds: more than Prometheus should take
            continue
        yield _family(find(name), by, rows)


def _family(metric: Metric, by: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Family:
    """A metric as gauges; an unknown dimension is an empty label, an unknown value no sample."""
    suffix, factor = _UNITS[metric.unit]
    name = f"controlsurface_{metric.id}"
    samples = tuple(
        ({dimension: str(row[dimension] or "") for dimension in by}, value * factor)
        for row in rows
        if isinstance(value := row["value"], float)
    )
    return Family(name if name.endswith(suffix) else name + suffix, "gauge", f"{metric.help} Last 5 minutes.", samples)
