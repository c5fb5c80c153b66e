"""How long things are kept, what is there, and what would go now; and the wish that it goes now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from controlsurface.client.arrow_tables import COUNT, INTEGER, MAYBE_TEXT, TEXT, TIME, columns
from controlsurface.client.query_protocol import Command, PlainQuery, ReadEndpoint, Result, StoreSession, WriteEndpoint
from controlsurface.config import Config
from controlsurface.query.arguments import Arguments
from controlsurface.query.statement import Statement
from controlsurface.store.retention_terms import RETENTION_TERMS, RetentionTerm, retention_cuts

RETENTION_PATH = "/api/v1/retention"

_TABLE = """
SELECT
    {position} AS position, '{name}' AS "table", '{kind}' AS kind, CAST($keep_{kind} AS BIGINT) AS keep_s,
    count(*) AS rows, min({column}) AS oldest, count(*) FILTER (WHERE {column} < ${kind} AND {only}) AS too_old,
    {bytes} AS bytes,
    (SELECT coalesce(sum(removed), 0) FROM retention_runs WHERE "table" = '{table}') AS removed
FROM {table}{where}"""
_STEPS = (
    (RetentionTerm("rolled", "requests", "bucket"), "buckets of 5 minutes", 300),
    (RetentionTerm("rolled", "rollups", "bucket"), "buckets of hours", 3600),
)
_FACTS = """
SELECT
    (SELECT max(ran_at) FROM retention_loop) AS last_run_at,
    (SELECT max(next_at) FROM retention_loop) AS next_run_at,
    (SELECT max(problem) FROM retention_loop) AS problem,
    (SELECT max(gone_before) FROM retained WHERE kind = 'frozen') AS frozen_before,
    (SELECT max(gone_before) FROM retained WHERE kind = 'requests') AS rows_since,
    (SELECT count(*) FROM retention_asked) AS asked
"""
_ASK = "INSERT INTO retention_asked VALUES ($at, $who)"


class ApplyRetentionRequest(Arguments):
    """Who wants the retention applied now."""

    who: Annotated[str, Field(min_length=1, max_length=100)] = Field("api", description="who says so")


class RetentionQuery(PlainQuery[Result]):
    """What is kept, table by table."""

    endpoint: ClassVar = ReadEndpoint(
        RETENTION_PATH,
        "kept",
        "How long things are kept, what is there and what is too old",
        columns(
            table=TEXT, kind=TEXT, keep_s=COUNT, rows=COUNT, oldest=TIME, too_old=COUNT, bytes=INTEGER, removed=COUNT
        ),
        columns(
            **dict.fromkeys(("last_run_at", "next_run_at", "frozen_before", "rows_since"), TIME),
            problem=MAYBE_TEXT,
            asked=COUNT,
        ),
        rows="tables",
    )

    def run(self, session: StoreSession) -> Result:
        """Rows: table, kind, keep_s (by configuration), rows, oldest, too_old (rows that go next), bytes, removed.

        Facts: last_run_at, next_run_at, problem (why something too old is still there), frozen_before (nothing that
        began before changes any more), rows_since (before it, only roll-ups answer), asked (wishes not granted yet).
        """
        sql = f"SELECT * EXCLUDE (position) FROM (\n{' UNION ALL '.join(_tables())}\n) ORDER BY position"
        facts = session.state(_FACTS).to_pylist()[0]
        said = {name: fact.isoformat() if isinstance(fact, datetime) else fact for name, fact in facts.items()}
        return Result(session.rows(Statement(sql, _moments(session.config), "storage.tables")), said)


@dataclass(frozen=True, slots=True)
class ApplyRetentionCommand(Command):
    """The wish that what is too old goes now: a running server grants it within seconds, some rows at a time."""

    endpoint: ClassVar = WriteEndpoint(
        RETENTION_PATH,
        "retain",
        "Remove what is too old now, not within the hour",
        columns(at=TIME, who=TEXT),
        role="admin",
        status=202,
        author="who",
    )
    body: ApplyRetentionRequest

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Keep the wish; once this returns it is on the disk."""
        at = datetime.now(UTC)
        session.write([(_ASK, {"at": at, "who": self.body.who})])
        return {"at": at, "who": self.body.who}


def _tables() -> Iterator[str]:
    """One SELECT a table."""
    for position, term in enumerate(RETENTION_TERMS):
        yield _told(term, {"position": position, "name": term.table, "bytes": f"table_bytes('{term.table}')"})
    for term, name, step_s in _STEPS:
        where = f" WHERE step_s = {step_s}"
        yield _told(term, {"position": len(RETENTION_TERMS) + step_s, "name": name, "bytes": "NULL"}, where)


def _told(term: RetentionTerm, words: Mapping[str, object], where: str = "") -> str:
    """The SELECT of a table."""
    own = {"table": term.table, "kind": term.kind, "column": term.column, "only": term.only}
    return _TABLE.format_map({**own, **words, "where": where})


def _moments(config: Config) -> dict[str, Any]:
    """How long each kind is kept, and before when that is."""
    kept = config.retention
    cut = retention_cuts(kept, datetime.now(UTC), config.writer.trace_window)
    found: dict[str, Any] = {}
    for kind, before in cut.before.items():
        found |= {kind: before, f"keep_{kind}": int(getattr(kept, kind).total_seconds())}
    return found
