"""Who sends: each service of the last days, how often, how lately, and how its clock stands to ours."""

from dataclasses import dataclass
from typing import ClassVar

from controlsurface.client.query_protocol import NO_ARGUMENTS, NoArguments, Query, ReadEndpoint, Result, StoreSession
from controlsurface.client.result_columns import COUNT, FIGURE, MAYBE_TEXT, TIME, columns
from controlsurface.config.query_limits import OTHER_VALUE
from controlsurface.query.statement import Statement

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


@dataclass(frozen=True, slots=True)
class SourcesQuery(Query[Result]):
    """Services of the last week: service, spans, first_seen, last_seen, least_delay_ms (below 0: clock ahead)."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/sources",
        "sources",
        "Services of the last 7 days and their clocks",
        columns(service=MAYBE_TEXT, spans=COUNT, first_seen=TIME, last_seen=TIME, least_delay_ms=FIGURE),
        rows="sources",
    )
    arguments: NoArguments = NO_ARGUMENTS

    def run(self, session: StoreSession) -> Result:
        """From the stored spans."""
        return Result(session.rows(_SERVICES))
