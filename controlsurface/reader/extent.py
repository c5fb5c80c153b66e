"""Where a store's requests lie in time: what a window without any is told instead of nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from controlsurface.metrics.statement import Statement
from controlsurface.reader.asking import NO_ARGUMENTS, Answer, Ground, NoArguments, Query, ReadEndpoint, SupportsAsk
from controlsurface.reader.columns import COUNT, TIME, columns
from controlsurface.reader.rows import records

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


@dataclass(frozen=True, slots=True)
class Extent(Query[Answer]):
    """How many requests there are, and when the first and last of them began."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/extent",
        "extent",
        "How many requests there are, and when the first and the last began",
        columns(requests=COUNT, first=TIME, last=TIME),
        form="single",
    )
    arguments: NoArguments = NO_ARGUMENTS

    def answered(self, ground: Ground) -> Answer:
        """One row: requests, first and last (UTC; NULL where there are none)."""
        return Answer(ground.rows(Statement(_EXTENT, {}, "requests.extent")))


def stored(extent: Mapping[str, Any]) -> str:
    """How many requests there are, and of when."""
    if not extent["requests"]:
        return "no requests are stored yet"
    first, last = extent["first"], extent["last"]
    form = "%Y-%m-%d" if f"{first:%Y-%m-%d}" != f"{last:%Y-%m-%d}" else "%Y-%m-%d %H:%M UTC"
    return f"{extent['requests']:,} requests between {first.strftime(form)} and {last.strftime(form)}"


def whereabouts(reader: SupportsAsk, filtered: bool = False) -> str:
    """Where the requests lie, for somebody who sees none in a window, without filters or with them."""
    extent = records(reader.ask(Extent()).rows)[0]
    none = f"no requests in this window{' meet the filters' * filtered}; " if extent["requests"] else ""
    return f"{none}{stored(extent)}"
