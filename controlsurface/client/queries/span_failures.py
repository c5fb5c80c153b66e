"""Where chains fail: which spans of a window's requests failed first, by name."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from controlsurface.client.arrow_tables import COUNT, TEXT, columns
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.query.arguments import FilteredRange
from controlsurface.query.statement import Statement, where_clause, window_conditions

_STATUS_ERROR = 2  # of OTLP's enum


class SpanFailuresArgs(FilteredRange):
    """Which requests, and how many names to list."""

    limit: int = Field(50, ge=1, le=500, description="span names listed, those that failed most first")


def render_span_failures(args: SpanFailuresArgs) -> Statement:
    """The statement whose rows are name, n (spans of the requests' traces), failed, origins, unanswered.

    An error goes up from a span to its parents: an origin is a failed span below which none failed.
    """
    found, parameters = window_conditions("requests", args)
    sql = f"""WITH asked AS (
    SELECT r.trace_id, bool_or(r.failed) AS failed
    FROM requests AS r{where_clause(found)}
    GROUP BY r.trace_id
),
own AS (
    SELECT s.trace_id, s.span_id, s.parent_span_id, s.name, s.status = {_STATUS_ERROR} AS failed,
        asked.failed AS unanswered
    FROM spans AS s
    JOIN asked ON asked.trace_id = s.trace_id
),
parents AS (
    SELECT DISTINCT trace_id, parent_span_id AS span_id
    FROM own
    WHERE failed AND parent_span_id IS NOT NULL
)
SELECT
    own.name,
    count(*) AS n,
    count(*) FILTER (WHERE own.failed) AS failed,
    count(*) FILTER (WHERE own.failed AND parents.span_id IS NULL) AS origins,
    count(*) FILTER (WHERE own.failed AND parents.span_id IS NULL AND own.unanswered) AS unanswered
FROM own
LEFT JOIN parents ON parents.trace_id = own.trace_id AND parents.span_id = own.span_id
GROUP BY own.name
HAVING count(*) FILTER (WHERE own.failed) > 0
ORDER BY origins DESC, failed DESC, own.name
LIMIT $name_limit"""
    return Statement(sql, parameters | {"name_limit": args.limit}, "requests.failures")


@dataclass(frozen=True, slots=True)
class SpanFailuresQuery(Query[Result]):
    """Which spans of the window's requests failed, by name: name, n, failed, origins, unanswered.

    `origins` are failed spans below which no other failed; `unanswered` are those of requests that failed.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/span-failures",
        "span_failures",
        "Where chains fail: failed spans of requests, by name",
        columns(name=TEXT, **dict.fromkeys(("n", "failed", "origins", "unanswered"), COUNT)),
        rows="names",
    )
    arguments: SpanFailuresArgs = SpanFailuresArgs()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.rows(render_span_failures(self.arguments)))
