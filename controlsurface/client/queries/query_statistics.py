"""How often the store was asked each data query, and how long that took."""

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from controlsurface.client.query_protocol import NO_ARGUMENTS, NoArguments, Query, ReadEndpoint, Result, StoreSession


@dataclass(frozen=True, slots=True)
class QueryStatisticsQuery(Query[Result]):
    """Since the store was opened: query (its name), runs, seconds (of all runs), slow (runs over limits.slow_query)."""

    endpoint: ClassVar = ReadEndpoint("/metrics", "", "")
    arguments: NoArguments = NO_ARGUMENTS

    def run(self, session: StoreSession) -> Result:
        """From the counters of the process that has the store."""
        stats = session.query_stats
        rows = [
            {"query": name, "runs": stats[name].runs, "seconds": stats[name].seconds, "slow": stats[name].slow}
            for name in sorted(stats)
        ]
        return Result(pa.Table.from_pylist(rows))
