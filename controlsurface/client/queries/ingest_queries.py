"""What arrived: the receivers' counters, who sends, keys that nothing reads, and the ledger of tokens and costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import pyarrow as pa

from controlsurface.client.arrow_tables import (
    COUNT,
    FIGURE,
    INTEGER,
    MAYBE_TEXT,
    NUMBER,
    OBJECT,
    TEXT,
    TIME,
    columns,
    list_of,
)
from controlsurface.client.query_protocol import PlainQuery, Query, ReadEndpoint, Result, ResultFact, StoreSession
from controlsurface.config.query_limits import OTHER_VALUE
from controlsurface.query.arguments import TimeRange
from controlsurface.query.statement import Statement
from controlsurface.store.duckdb import DuckStore

_COUNTED = ("received", "accepted", "rejected", "duplicate", "late", "unrecognised")
_KEYS = "SELECT key, n, first_seen, last_seen FROM {} ORDER BY n DESC, key"
_KEY = columns(key=TEXT, n=COUNT, first_seen=TIME, last_seen=TIME)


class Ingest(Result):
    """What happened to everything that was sent. Counts are spans; `counters` holds the receivers' further ones."""

    received, accepted, rejected = ResultFact[int](), ResultFact[int](), ResultFact[int]()
    duplicate, late, unrecognised, pending = ResultFact[int](), ResultFact[int](), ResultFact[int](), ResultFact[int]()
    lag_ms = ResultFact[float]()
    counters = ResultFact[Mapping[str, int]]()

    @property
    def last_accepted_at(self) -> datetime | None:
        """When spans were last accepted."""
        last = self.facts["last_accepted_at"]
        return datetime.fromisoformat(last) if last else None


class IngestQuery(PlainQuery[Ingest]):
    """What was received, and how far it is stored."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/ingest",
        "ingest",
        "What was received and how far it is stored",
        facts=columns(
            **dict.fromkeys((*_COUNTED, "pending"), COUNT), lag_ms=NUMBER, last_accepted_at=TIME, counters=OBJECT
        ),
        form="facts",
        arrow=False,
    )
    result: ClassVar = Ingest

    def run(self, session: StoreSession) -> Ingest:
        """The live counters of the receivers, or those last stored."""
        return summarise_counters(session.counters())


class UnreadKeysQuery(PlainQuery[Result]):
    """Attribute keys that no vocabulary reads: key, n, first_seen, last_seen, most frequent first."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/unrecognised", "unrecognised", "Attributes that no vocabulary reads", _KEY, rows="attributes"
    )

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.state(_KEYS.format("attribute_keys")))


class DroppedKeysQuery(PlainQuery[Result]):
    """Keys under which content was not stored: key, n (values), first_seen, last_seen, most frequent first."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/dropped", "dropped", "Attributes whose content was not stored", _KEY, rows="attributes"
    )

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.state(_KEYS.format("dropped_keys")))


def stored_counters(store: DuckStore) -> dict[str, int]:
    """The counters as of the last batch that was stored."""
    rows = store.state("SELECT name, value FROM ingest_counters").to_pylist()
    return {row["name"]: row["value"] for row in rows}


def summarise_counters(counters: Mapping[str, int]) -> Ingest:
    """What the contract names. Live counters know what is pending and for how long; stored ones know the difference."""
    last_ns = counters.get("last_accepted_ns", 0)
    shown: dict[str, Any] = {name: counters.get(name, 0) for name in _COUNTED}
    last = datetime.fromtimestamp(last_ns / 1e9, UTC).isoformat().replace("+00:00", "Z") if last_ns else None
    shown["pending"] = counters.get("pending", max(0, shown["accepted"] - counters.get("stored", 0)))
    shown |= {"lag_ms": float(counters.get("lag_ms", 0)), "last_accepted_at": last}
    named = {*_COUNTED, "pending", "lag_ms"}
    shown["counters"] = {name: value for name, value in counters.items() if name not in named}
    return Ingest(pa.table({}), shown)


MAX_SERVICES = 500  # that are listed, those of most spans; the rest is `(other)`

# What our own clock received while it was ahead is not the last for days.
# A span cannot be received before it ended: a negative least delay is a clock that runs ahead of ours.
_SERVICES = Statement(
    f"""
WITH sent AS (
SELECT
    service,
    row_number() OVER (ORDER BY count(*) DESC, service) AS place,
    count(*) AS spans,
    min(received_at) AS first_seen,
    coalesce(max(received_at) FILTER (received_at <= CAST(now() AS TIMESTAMP)), min(received_at)) AS last_seen,
    min(epoch_us(received_at) - CAST(end_ns // 1000 AS BIGINT)) FILTER (WHERE duration_ms IS NOT NULL) / 1e3
        AS least_delay_ms
FROM spans
WHERE received_at >= CAST(now() AS TIMESTAMP) - INTERVAL 7 DAY
GROUP BY service
)
SELECT
    CASE WHEN place <= {MAX_SERVICES} THEN service ELSE '{OTHER_VALUE}' END AS service,
    CAST(sum(spans) AS BIGINT) AS spans, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
    min(least_delay_ms) AS least_delay_ms
FROM sent
GROUP BY ALL
ORDER BY spans DESC, service
""",
    {},
    "ingest.sources",
)


class SourcesQuery(PlainQuery[Result]):
    """Services of the last week: service, spans, first_seen, last_seen, least_delay_ms (below 0: clock ahead)."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/sources",
        "sources",
        "Services of the last 7 days and their clocks",
        columns(service=MAYBE_TEXT, spans=COUNT, first_seen=TIME, last_seen=TIME, least_delay_ms=FIGURE),
        rows="sources",
    )

    def run(self, session: StoreSession) -> Result:
        """From the stored spans."""
        return Result(session.rows(_SERVICES))


LEDGER_ENTRIES = COUNTED, EXPLAINED, UNEXPLAINED = "counted", "explained", "unexplained"

_LEDGER = """
SELECT
    entry,
    reason,
    count(span_id) AS spans,
    sum(input_tokens)::BIGINT AS input_tokens,
    sum(output_tokens)::BIGINT AS output_tokens,
    sum(cost_usd)::DOUBLE AS cost_usd,
    CASE WHEN entry = 'unexplained' THEN list(DISTINCT trace_hex(trace_id))[:5] ELSE [] END AS trace_ids
FROM (
    SELECT 'counted' AS entry, 'call' AS reason, span_id, trace_id, input_tokens, output_tokens, cost_usd
    FROM attempts WHERE has_usage AND {window}
    UNION ALL BY NAME
    SELECT
        if(explanation IS NULL, 'unexplained', 'explained') AS entry, coalesce(explanation, problem) AS reason,
        span_id, trace_id, input_tokens, output_tokens, cost_usd
    FROM uncounted_usage WHERE {window}
)
GROUP BY entry, reason
ORDER BY list_position(['counted', 'explained', 'unexplained'], entry), spans DESC, reason
"""


@dataclass(frozen=True, slots=True)
class UsageLedgerQuery(Query[Result]):
    """What became of spans with tokens or a cost.

    Rows: entry (counted, explained, unexplained), reason (call; wrapper, part, twin, cache; no_model,
    more_than_its_calls), spans, input_tokens, output_tokens, cost_usd (of calls as priced, of other spans as they say),
    trace_ids (up to five of the unexplained ones).
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/usage-ledger",
        "ledger",
        "Spans with tokens or a cost: counted as calls, explained, or unexplained",
        columns(
            entry=TEXT,
            reason=TEXT,
            spans=COUNT,
            trace_ids=list_of(TEXT),
            input_tokens=INTEGER,
            output_tokens=INTEGER,
            cost_usd=FIGURE,
        ),
        rows="entries",
    )
    arguments: TimeRange = TimeRange()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        asked = {"start": self.arguments.start, "end": self.arguments.end}
        given = {name: moment for name, moment in asked.items() if moment is not None}
        tests = [f"started_at {'>=' if name == 'start' else '<'} ${name}" for name in given]
        sql = _LEDGER.format(window=" AND ".join(tests) or "TRUE")
        return Result(session.rows(Statement(sql, given, "usage.ledger")))
