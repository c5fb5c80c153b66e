"""The checks themselves, in the order in which one would look, and what each finds."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from controlsurface.alerting.alert_queries import AlertRulesQuery, NotificationsQuery
from controlsurface.alerting.delivery.dispatcher import create_notifiers
from controlsurface.client import connect_client
from controlsurface.client.advice.cost_advice import missing_usage_text
from controlsurface.client.queries.ingest_queries import (
    LEDGER_ENTRIES,
    UNEXPLAINED,
    IngestQuery,
    SourcesQuery,
    UnreadKeysQuery,
    UsageLedgerQuery,
)
from controlsurface.client.queries.lane_queries import AssumedLanesQuery, assumed_lanes_text
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.client.query_protocol import Client
from controlsurface.config import Config
from controlsurface.config.architectures import overlapping_architectures
from controlsurface.errors import ConfigError, ControlSurfaceError
from controlsurface.formatting import format_duration
from controlsurface.ingest.translate import conventions
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.money.price_book import read_book
from controlsurface.store.duckdb import STORE_FILE, store_owner
from controlsurface.store.file_permissions import readable_by_others
from controlsurface.web.listener import bound


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """`fail`: something does not work; `warn`: figures may mislead; `ok`: looked at and well."""

    check: str
    verdict: Literal["ok", "warn", "fail"]
    text: str


PORTS = {"dashboard": 8501, "api": 8502, "otlp_http": 4318, "otlp_grpc": 4317}
LOW_DISK_FACTOR = 10  # times the configured minimum
MAX_CLOCK_SKEW_MS = 2000.0  # clocks this far apart put spans on the wrong minute
SILENCE_FACTOR = 50  # times the usual time between spans without a word ...
MIN_SILENCE_S = 900  # ... and at least so long


@dataclass(frozen=True, slots=True)
class DoctorTarget:
    """What is examined."""

    data: Path
    host: str
    config: Config
    config_file: Path | None


def run_checks(patient: DoctorTarget) -> Iterator[DoctorFinding]:
    """Every finding, as soon as it is made. A check that itself fails is a finding."""
    for check in (_configuration, _vocabularies, _prices, _notifiers, _disk, _rights, _ports):
        yield from _guarded(check, patient)
    yield from _guarded(_store_findings, patient)


def _guarded(check: Callable[[Any], Iterator[DoctorFinding]], about: Any) -> Iterator[DoctorFinding]:
    try:
        yield from check(about)
    except ControlSurfaceError as problem:
        yield DoctorFinding(check.__name__.strip("_"), "fail", str(problem))


def _configuration(patient: DoctorTarget) -> Iterator[DoctorFinding]:
    where = patient.config_file or "no file: every key has its default"
    yield DoctorFinding("configuration", "ok", str(where))
    for first, second in overlapping_architectures(patient.config.architectures):
        text = f"a request can match '{first}' and '{second}': it belongs to '{first}', the first of the file"
        yield DoctorFinding("architectures", "warn", text)


def _vocabularies(patient: DoctorTarget) -> Iterator[DoctorFinding]:
    found = conventions.load_conventions(patient.config).vocabularies
    yield DoctorFinding("vocabularies", "ok", f"{len(found)} compile: {', '.join(each.name for each in found)}")


def _prices(patient: DoctorTarget) -> Iterator[DoctorFinding]:
    path = Path(patient.config.costs.prices)
    own = f"{len(read_book(path).price)} of your own in {path}" if path.exists() else f"none of your own ({path})"
    yield DoctorFinding("prices", "ok", f"{own}; list prices of genai-prices for the rest")


def _notifiers(patient: DoctorTarget) -> Iterator[DoctorFinding]:
    """Whether each notifier could be started: its secret is there, and so is its package."""
    section = patient.config.delivery
    for name in section.notifiers:
        alone = section.model_copy(update={"notifiers": {name: section.notifiers[name]}})
        try:
            create_notifiers(alone)
        except ConfigError as problem:
            yield DoctorFinding("notifiers", "fail", str(problem))
        else:
            yield DoctorFinding("notifiers", "ok", f"{name}: {section.notifiers[name].kind}")
    if not section.notifiers:
        yield DoctorFinding("notifiers", "ok", "none: alerts are shown and sent to nobody")


def _disk(patient: DoctorTarget) -> Iterator[DoctorFinding]:
    folder = next(each for each in (patient.data, *patient.data.parents) if each.exists())
    free, least = shutil.disk_usage(folder).free, patient.config.journal.min_free
    text = f"{free / 1e9:.1f} GB free at {folder}; bodies are refused under {least / 1e6:.0f} MB"
    yield DoctorFinding("disk", "ok" if free > LOW_DISK_FACTOR * least else "warn" if free > least else "fail", text)


def _rights(patient: DoctorTarget) -> Iterator[DoctorFinding]:
    """Whether others on this machine can read what is stored, and whether we can write it."""
    if not patient.data.exists():
        return
    if open_to_others := [str(path) for path in readable_by_others(patient.data)]:
        some = ", ".join(open_to_others[:3]) + (" ..." if len(open_to_others) > 3 else "")
        text = f"others can read {some}; the next start of a server takes that from them"
        yield DoctorFinding("rights", "warn", text)
    elif os.access(patient.data, os.W_OK | os.X_OK):
        yield DoctorFinding("rights", "ok", f"{patient.data}: for its owner alone")
    if not os.access(patient.data, os.W_OK | os.X_OK):
        yield DoctorFinding("rights", "fail", f"{patient.data}: this user cannot write there")


def _ports(patient: DoctorTarget) -> Iterator[DoctorFinding]:
    if pid := store_owner(patient.data):
        yield DoctorFinding("ports", "ok", f"a server runs on this data directory, process {pid}")
        return
    for name, port in PORTS.items():
        try:
            bound(patient.host, port).close()
        except OSError as problem:
            text = f"{name}: {patient.host}:{port}: {problem.strerror}; `serve` can use others"
            yield DoctorFinding("ports", "warn", text)
        else:
            yield DoctorFinding("ports", "ok", f"{name}: {patient.host}:{port} is free")


def _store_findings(patient: DoctorTarget) -> Iterator[DoctorFinding]:
    """What the store says, directly or through the server that owns it."""
    if not (patient.data / STORE_FILE).exists():
        yield DoctorFinding("store", "ok", f"{patient.data}: nothing stored yet; `serve` begins it")
        return
    with closing(connect_client(patient.data, patient.config.auth.token or None)) as reader:
        yield DoctorFinding("store", "ok", f"{patient.data}: opens")
        every = _server, _alerting, _ingest, _messages, _unread_attributes, _ledger, _lanes, _usage, _unpriced, _sources
        for check in every:
            yield from _guarded(check, reader)


def _server(reader: Client) -> Iterator[DoctorFinding]:
    problems = reader.health()
    yield from (DoctorFinding("server", "fail", text) for text in problems)
    if not problems:
        yield DoctorFinding("server", "ok", "takes traffic")


def _alerting(reader: Client) -> Iterator[DoctorFinding]:
    """What is wrong with rule files, and with the clock that rules go by."""
    facts = reader.run(AlertRulesQuery()).facts
    warnings = [str(text) for name in ("warnings", "doubts") for text in facts[name]]
    yield from (DoctorFinding("alerting", "warn", text) for text in warnings)
    if not warnings:
        yield DoctorFinding("alerting", "ok", "rules and clock are as they should be")


def _ingest(reader: Client) -> Iterator[DoctorFinding]:
    sent = reader.run(IngestQuery())
    text = f"{sent.accepted} accepted, {sent.rejected} rejected, {sent.duplicate} repeated, {sent.pending} pending"
    yield DoctorFinding("ingest", "warn" if sent.rejected else "ok", text)


def _messages(reader: Client) -> Iterator[DoctorFinding]:
    """Messages about alerts that did not get through lately."""
    rows = reader.run(NotificationsQuery()).rows.to_pylist()
    lost = [row for row in rows if row["state"] == "dead"]
    if lost:
        last = f"the last to {lost[0]['notifier']}: {lost[0]['problem']}"
        yield DoctorFinding("messages", "warn", f"{len(lost)} of the last {len(rows)} were given up; {last}")
    else:
        waiting = sum(row["state"] == "waiting" for row in rows)
        yield DoctorFinding("messages", "ok", f"none of the last {len(rows)} given up, {waiting} waiting")


def _unread_attributes(reader: Client) -> Iterator[DoctorFinding]:
    names = [str(name) for name in reader.run(UnreadKeysQuery()).rows["key"].to_pylist()]
    some = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
    text = f"{len(names)} attributes that no vocabulary reads: {some}" if names else "every attribute is read"
    yield DoctorFinding("attributes", "ok", text)


def _ledger(reader: Client) -> Iterator[DoctorFinding]:
    """Whether all tokens and costs are in a figure."""
    rows = reader.run(UsageLedgerQuery()).rows.to_pylist()
    sums = {entry: sum(row["spans"] for row in rows if row["entry"] == entry) for entry in LEDGER_ENTRIES}
    unexplained = [row for row in rows if row["entry"] == UNEXPLAINED]
    tokens = sum((row["input_tokens"] or 0) + (row["output_tokens"] or 0) for row in unexplained)
    text = ", ".join(f"{spans} {entry}" for entry, spans in sums.items())
    traces = [trace for row in rows for trace in row["trace_ids"]]
    left = f" ({tokens} tokens), such as trace {traces[0]}" if traces else ""
    yield DoctorFinding("ledger", "warn" if sums[UNEXPLAINED] else "ok", f"spans with tokens or a cost: {text}{left}")


def _lanes(reader: Client) -> Iterator[DoctorFinding]:
    if assumed := assumed_lanes_text(reader.run(AssumedLanesQuery()).rows.to_pylist()):
        text = f"{assumed} under [lanes] in the configuration, or by a click on the Data page"
        yield DoctorFinding("lanes", "warn", text)
    without = MetricQuery(MetricArgs(metric="requests", by=("answered_by",), where=("lane:unknown",)))
    rows = reader.run(without).rows.to_pylist()
    if models := [str(row["answered_by"]) for row in rows if row["value"]]:
        text = f"no lane for {', '.join(models)}: name them under [lanes] in the configuration"
        yield DoctorFinding("lanes", "warn", text)
    else:
        yield DoctorFinding("lanes", "ok", "every request has a lane")


def _usage(reader: Client) -> Iterator[DoctorFinding]:
    """Calls that no price could price: nobody knows their tokens."""
    lost = {model: n for model, n in _calls(reader, "calls_without_usage").items() if n}
    if lost:
        streamed = sum(_calls(reader, "streamed_calls_without_usage").values())
        what, do = missing_usage_text(sum(lost.values()), streamed)
        yield DoctorFinding("usage", "warn", f"{what} ({', '.join(lost)}): {do}")
    else:
        yield DoctorFinding("usage", "ok", "every billable call without a cost came with token counts")


def _calls(reader: Client, metric: str) -> dict[str, int]:
    """A count of calls by model."""
    rows = reader.run(MetricQuery(MetricArgs(metric=metric, by=("model",)))).rows.to_pylist()
    return {str(row["model"]): round(row["value"]) for row in rows}


def _unpriced(reader: Client) -> Iterator[DoctorFinding]:
    args = MetricArgs(metric="unpriced_attempts", by=("provider", "model", "unpriced_parts"))
    lost = _calls(reader, "calls_without_usage")
    rows = [row for row in reader.run(MetricQuery(args)).rows.to_pylist() if row["value"]]
    if gaps := [_gap(row) for row in rows if row["unpriced_parts"] or row["value"] > lost.get(str(row["model"]), 0)]:
        yield DoctorFinding("unpriced", "warn", f"calls not fully priced: {', '.join(gaps)}; state it in prices.toml")
    else:
        yield DoctorFinding("unpriced", "ok", "every billable call with token counts has a price")


def _gap(row: dict[str, Any]) -> str:
    """A model, who sells it, and what of its calls has no price."""
    of = f" of {row['provider']}" if row["provider"] else ""
    return f"{row['model'] or 'an unnamed model'}{of} ({(row['unpriced_parts'] or 'no price').replace(',', ' and ')})"


def _sources(reader: Client) -> Iterator[DoctorFinding]:
    """Clocks and silence of every service of the last days."""
    for row in reader.run(SourcesQuery()).rows.to_pylist():
        name = row["service"] or "a source without service.name"
        quiet_s = (datetime.now(UTC) - row["last_seen"]).total_seconds()
        yield _silence(name, row, quiet_s)
        if (delay_ms := row["least_delay_ms"]) is not None and delay_ms < -MAX_CLOCK_SKEW_MS:
            text = f"{name}: its clock runs {format_duration(-delay_ms)} or more ahead of ours"
            yield DoctorFinding("clocks", "warn", text)


def _silence(name: str, row: dict[str, Any], quiet_s: float) -> DoctorFinding:
    """Whether a source says nothing for much longer than it is used to."""
    usual_s = (row["last_seen"] - row["first_seen"]).total_seconds() / row["spans"]
    text = f"{name}: {row['spans']} spans in a week, the last {format_duration(quiet_s * 1000)} ago"
    return DoctorFinding("sources", "warn" if quiet_s > max(MIN_SILENCE_S, SILENCE_FACTOR * usual_s) else "ok", text)
