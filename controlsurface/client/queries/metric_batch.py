"""Several metrics in one answer: what a page asks of one window, read in as few passes as it can be."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, ClassVar

import pyarrow as pa

from controlsurface.client.queries.metric_queries import FIGURES, SOURCE
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.client.result_columns import BY_DIMENSION, NUMBER, OBJECT, TEXT, columns, list_of, record
from controlsurface.client.run_concurrently import run_concurrently
from controlsurface.metrics.queries.batch_query import BatchQueryArgs, QueryPass, query_passes, split_metric_rows
from controlsurface.metrics.queries.query_runner import run_pass
from controlsurface.metrics.rollups.read_planner import RunStatement


@dataclass(frozen=True, slots=True)
class MetricBatchQuery(Query[Result]):
    """Metrics of one window."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/queries",
        "queries",
        "Several metrics over one window, by dimensions and time step",
        columns(BY_DIMENSION, metric=TEXT, **FIGURES),
        columns(
            passes=list_of(record(metrics=list_of(TEXT), source=SOURCE, sql=TEXT, parameters=OBJECT, elapsed_ms=NUMBER))
        ),
    )
    arguments: BatchQueryArgs

    def run(self, session: StoreSession) -> Result:
        """Rows: metric, and what `/api/v1/query` answers about it, one metric after the other.

        Facts: `query_passes`, of each the metrics, source, sql, parameters and elapsed_ms.
        """
        wanted = query_passes(self.arguments)
        found = run_concurrently(partial(_read, session.rows, self.arguments.top), wanted)
        rows = pa.concat_tables([table for tables, _ in found for table in tables], promote_options="default")
        return Result(rows, {"passes": [facts for _, facts in found]})


def _read(rows: RunStatement, top: int | None, each: QueryPass) -> tuple[Iterator[pa.Table], dict[str, Any]]:
    """The rows of each metric of a pass, and how they were read."""
    began = perf_counter()
    found, statement, plan = run_pass(rows, each, top)
    facts = {
        "metrics": [metric.id for metric in each.metrics],
        "source": plan.source,
        "sql": statement.sql,
        "parameters": statement.shown(),
        "elapsed_ms": round((perf_counter() - began) * 1e3, 3),
    }
    return split_metric_rows(each, found), facts
