"""What spans fill: which share of requests and calls states each fact, by service, as rows and as people read them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar, Literal

import pyarrow as pa

from controlsurface.client.arrow_tables import (
    COUNT,
    FLAG,
    MAYBE_TEXT,
    SHARE,
    TEXT,
    TIME,
    column_table,
    columns,
    list_of,
    one_of,
)
from controlsurface.client.queries.span_facts import FACTS, FactRows, SpanFact
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.formatting import format_ratio
from controlsurface.query.arguments import WeekRange
from controlsurface.query.statement import Statement, row_limit, run_concurrently

CoverageState = Literal["none", "some", "enough", "no rows"]
COVERAGE_STATES: tuple[CoverageState, ...] = ("none", "some", "enough", "no rows")

_WINDOW = "r.started_at >= $start AND r.started_at < $end"
# What a row of each kind is; a confidence is what a span states, for a request's own kind has a default.
_ROWS: Mapping[FactRows, str] = {
    "requests": f"""
    SELECT r.*, r.sample_weight AS weight, r.request_id IN (
        SELECT coalesce(shadow_of, request_id) FROM attempts
        WHERE purpose = 'shadow' AND coalesce(shadow_of, request_id) IS NOT NULL
            AND started_at >= $start - INTERVAL 1 HOUR AND started_at < $end + INTERVAL 7 DAY
    ) AS shadowed
    FROM requests AS r WHERE {_WINDOW}""",
    "calls": f"SELECT r.*, r.sample_weight AS weight FROM attempts AS r WHERE {_WINDOW}",
    "confidences": f"""
    SELECT r.service, r.confidence_kind, weight_of(r.sample_rate) AS weight
    FROM spans AS r WHERE r.confidence IS NOT NULL AND {_WINDOW}""",
    "shadow calls": f"""
    SELECT r.*, r.sample_weight AS weight,
        coalesce(r.shadow_of, r.request_id) IN (SELECT request_id FROM sampled_requests) AS sampled
    FROM attempts AS r WHERE r.purpose = 'shadow' AND {_WINDOW}""",
}

FACT = columns(
    fact=TEXT,
    title=TEXT,
    service=MAYBE_TEXT,
    all_services=FLAG,
    of=TEXT,
    n=COUNT,
    share=SHARE,
    state=one_of(*COVERAGE_STATES),
    add=TEXT,
    pages=list_of(TEXT),
    rules=list_of(TEXT),
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CoverageQuery(Query[Result]):
    """What spans fill: a row for every fact over all services, then for each fact and service.

    Columns: fact, title, service, all_services, of (what n counts), n (stored rows), share (weighted by sample_weight;
    null without rows), state, add (what to send), pages, rules (what is weak or empty). Facts beside them: start, end.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/coverage",
        "coverage",
        "Which share of requests and calls states each fact, by service; what is weak without it, and what to send",
        FACT,
        columns(start=TIME, end=TIME),
        rows="facts",
    )
    arguments: WeekRange = WeekRange()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """From the stored rows."""
        start, end = self.arguments.window
        bounds = {"start": start, "end": end}
        kinds = [(rows, [*facts]) for rows, facts in groupby(sorted(FACTS, key=_kind), _kind)]
        asked = [Statement(_shares(rows, facts), bounds | row_limit(), "coverage.shares") for rows, facts in kinds]
        counted = [each.to_pylist() for each in run_concurrently(session.rows, asked)]
        found = [row for (_, facts), rows in zip(kinds, counted, strict=True) for row in _apart(facts, rows)]
        return Result(_table(found), {"start": start.isoformat(), "end": end.isoformat()})


def _kind(fact: SpanFact) -> FactRows:
    return fact.rows


def _shares(rows: FactRows, facts: list[SpanFact]) -> str:
    """One pass over a kind of rows: for each service and for all of them, n and share of each fact."""
    columns = ",\n    ".join(_columns(each) for each in facts)
    return (
        f"WITH asked AS ({_ROWS[rows]}\n)\nSELECT r.service, grouping(r.service) = 1 AS all_services,\n    {columns}\n"
        "FROM asked AS r\nGROUP BY GROUPING SETS ((r.service), ())\nORDER BY all_services DESC, r.service\n"
        "LIMIT $row_limit"
    )


def _columns(fact: SpanFact) -> str:
    """The aggregates of a fact."""
    among = f"FILTER ({fact.among})"
    known = f"sum(CASE WHEN {fact.known} THEN r.weight ELSE 0 END) {among}"
    return f"count(*) {among} AS {fact.name}_n, CAST({known} / sum(r.weight) {among} AS DOUBLE) AS {fact.name}_share"


def _apart(facts: list[SpanFact], rows: list[Row]) -> Iterator[Row]:
    """A row for each fact and service."""
    for row in rows:
        for fact in facts:
            n, share = row[f"{fact.name}_n"], row[f"{fact.name}_share"]
            about = {"service": row["service"], "all_services": row["all_services"], "n": n, "share": share}
            needs = {"of": fact.rows, "add": fact.add, "pages": [*fact.pages], "rules": [*fact.rules]}
            yield {"fact": fact.name, "title": fact.title, **about, **needs, "state": coverage_state(fact, share)}


def coverage_state(fact: SpanFact, share: float | None) -> CoverageState:
    """What the share comes to for whatever needs the fact: empty with none, weak with some."""
    if share is None:
        return "no rows"
    return "none" if share == 0 else "some" if share < fact.enough else "enough"


def _table(rows: list[Row]) -> pa.Table:
    """All services together first, then by name, facts in their order."""
    order = {each.name: place for place, each in enumerate(FACTS)}
    rows.sort(
        key=lambda row: (not row["all_services"], row["service"] or "", row["service"] is None, order[row["fact"]])
    )
    return column_table(rows, FACT)


CoverageRow = Mapping[str, Any]

MAX_SERVICE_COLUMNS = 6  # columns at most, the busiest services
ALL_SERVICES = "all services"


def coverage_by_service(rows: Iterable[CoverageRow]) -> list[dict[str, str]]:
    """A line for each fact: fact, of, `all services`, and each of the busiest services where there are several."""
    rows = list(rows)
    shown = _busiest(rows)
    lines: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["all_services"]:
            lines[row["fact"]] = {"fact": row["title"], "of": row["of"], ALL_SERVICES: coverage_share_text(row)}
        elif row["service"] in shown:
            lines[row["fact"]][row["service"] or "unknown service"] = coverage_share_text(row)
    nothing = dict.fromkeys((name or "unknown service" for name in shown), coverage_share_text(None))
    return [{**line, **(nothing | line)} for line in lines.values()]


def _busiest(rows: Iterable[CoverageRow]) -> list[str | None]:
    """The services with most rows, by name; none where there is only one."""
    n: dict[str | None, int] = {}
    for row in rows:
        if not row["all_services"]:
            n[row["service"]] = n.get(row["service"], 0) + row["n"]
    most = sorted(n, key=lambda name: (-n[name], name or ""))[:MAX_SERVICE_COLUMNS]
    return sorted(most, key=lambda name: name or "~") if len(n) > 1 else []


def coverage_share_text(row: CoverageRow | None) -> str:
    """A share with its rows.

    >>> coverage_share_text({"share": 0.25, "n": 1200}), coverage_share_text({"share": 0.999, "n": 4000})
    ('25.0 % of 1,200', '99.9 % of 4,000')
    >>> coverage_share_text({"share": None, "n": 0})
    '–'
    """
    return "–" if row is None or row["share"] is None else f"{format_ratio(row['share'])} of {row['n']:,}"


def missing_facts(rows: Iterable[CoverageRow]) -> Iterator[tuple[str, str]]:
    """Facts that nothing or too little states, over all services: which, with what they leave empty; what to send."""
    for row in rows:
        if row["all_services"] and row["state"] in {"none", "some"}:
            state, data = ("empty", "no data") if row["state"] == "none" else ("weak", "too little data")
            pages = f"{state} on {', '.join(page.replace('_', '-') for page in row['pages'])}"
            rules = f"; {data} for {', '.join(row['rules'])}" if row["rules"] else ""
            yield f"{row['title']}, {coverage_share_text(row)}: {pages}{rules}", row["add"]
