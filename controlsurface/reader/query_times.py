"""How often the store was asked each data query, and how long that took."""

from dataclasses import dataclass, field

import pyarrow as pa

from controlsurface.metrics.arguments import Arguments
from controlsurface.reader.asking import Answer, Ground


class NoFilter(Arguments):
    """No arguments."""


@dataclass(frozen=True, slots=True)
class QueryTimes:
    """Since the store was opened: query (its name), runs, seconds (of all runs), slow (runs over limits.slow_query)."""

    arguments: NoFilter = field(default_factory=NoFilter)
    path: str = "/metrics"

    def answered(self, ground: Ground) -> Answer:
        """From the counters of the process that has the store."""
        stats = ground.query_stats
        rows = [
            {"query": name, "runs": stats[name].runs, "seconds": stats[name].seconds, "slow": stats[name].slow}
            for name in sorted(stats)
        ]
        return Answer(pa.Table.from_pylist(rows))
