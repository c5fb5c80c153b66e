"""What the store says of itself: where its requests lie in time, and how often it was asked each data query."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa

from controlsurface.client.arrow_tables import COUNT, TIME, as_dicts, columns
from controlsurface.client.query_protocol import PlainQuery, ReadEndpoint, Result, StoreSession, SupportsQueries
from controlsurface.query.statement import Statement

# Rows, and before the first of them the hours whose rows are gone.
_EXTENT = """
WITH stored AS (SELECT count(*) AS n, min(started_at) AS low, max(started_at) AS high FROM requests),
hours AS (
    SELECT sum(requests) AS n, min(bucket) AS low, max(bucket) + INTERVAL 1 HOUR AS high
    FROM rolled
    WHERE step_s = 3600 AND requests > 0
        AND bucket < coalesce((SELECT max(gone_before) FROM retained WHERE kind = 'requests'), TIMESTAMP '1970-01-01')
)
SELECT
    CAST(stored.n + coalesce(hours.n, 0) AS BIGINT) AS requests,
    least(stored.low, hours.low) AS first,
    greatest(stored.high, hours.high) AS last
FROM stored, hours
"""


class ExtentQuery(PlainQuery[Result]):
    """How many requests there are, and when the first and last of them began."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/extent",
        "extent",
        "How many requests there are, and when the first and the last began",
        columns(requests=COUNT, first=TIME, last=TIME),
        form="single",
    )

    def run(self, session: StoreSession) -> Result:
        """One row: requests, first and last (UTC; NULL where there are none)."""
        return Result(session.rows(Statement(_EXTENT, {}, "requests.extent")))


def extent_text(extent: Mapping[str, Any]) -> str:
    """How many requests there are, and of when, in the zone of its times."""
    if not extent["requests"]:
        return "no requests are stored yet"
    first, last = extent["first"], extent["last"]
    form = "%Y-%m-%d" if f"{first:%Y-%m-%d}" != f"{last:%Y-%m-%d}" else "%Y-%m-%d %H:%M %Z"
    return f"{extent['requests']:,} requests between {first.strftime(form)} and {last.strftime(form)}"


def empty_window_hint(reader: SupportsQueries, filtered: bool = False) -> str:
    """Where the requests lie, for somebody who sees none in a window, without filters or with them."""
    extent = as_dicts(reader.run(ExtentQuery()).rows)[0]
    none = f"no requests in this window{' meet the filters' * filtered}; " if extent["requests"] else ""
    return f"{none}{extent_text(extent)}"


class QueryStatsQuery(PlainQuery[Result]):
    """Since the store was opened: query (its name), runs, seconds (of all runs), slow (runs over limits.slow_query)."""

    endpoint: ClassVar = ReadEndpoint("/metrics", "", "")

    def run(self, session: StoreSession) -> Result:
        """From the counters of the process that has the store."""
        stats = session.query_stats
        rows = [
            {"query": name, "runs": stats[name].runs, "seconds": stats[name].seconds, "slow": stats[name].slow}
            for name in sorted(stats)
        ]
        return Result(pa.Table.from_pylist(rows))
