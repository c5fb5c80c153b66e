"""Several metrics in one answer: what a page asks of one window, read in as few passes as it can be."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, ClassVar

import pyarrow as pa

from controlsurface.metrics.asking import ask_pass
from controlsurface.metrics.planning import Rows
from controlsurface.metrics.several import Pass, SeveralArgs, apart, passes
from controlsurface.reader.asking import Answer, Ground, Query, ReadEndpoint
from controlsurface.reader.columns import (
    BY_DIMENSION,
    NUMBER,
    OBJECT,
    TEXT,
    columns,
    many,
    record,
)
from controlsurface.reader.figures import FIGURES, SOURCE
from controlsurface.reader.together import together


@dataclass(frozen=True, slots=True)
class Several(Query[Answer]):
    """Metrics of one window."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/queries",
        "queries",
        "Several metrics over one window, by dimensions and time step",
        columns(BY_DIMENSION, metric=TEXT, **FIGURES),
        columns(passes=many(record(metrics=many(TEXT), source=SOURCE, sql=TEXT, parameters=OBJECT, elapsed_ms=NUMBER))),
    )
    arguments: SeveralArgs

    def answered(self, ground: Ground) -> Answer:
        """Rows: metric, and what `/api/v1/query` answers about it, one metric after the other.

        Facts: `passes`, of each the metrics, source, sql, parameters and elapsed_ms.
        """
        wanted = passes(self.arguments)
        found = together(partial(_read, ground.rows, self.arguments.top), wanted)
        rows = pa.concat_tables([table for tables, _ in found for table in tables], promote_options="default")
        return Answer(rows, {"passes": [facts for _, facts in found]})


def _read(rows: Rows, top: int | None, each: Pass) -> tuple[Iterator[pa.Table], dict[str, Any]]:
    """The rows of each metric of a pass, and how they were read."""
    began = perf_counter()
    found, statement, plan = ask_pass(rows, each, top)
    facts = {
        "metrics": [metric.id for metric in each.metrics],
        "source": plan.source,
        "sql": statement.sql,
        "parameters": statement.shown(),
        "elapsed_ms": round((perf_counter() - began) * 1e3, 3),
    }
    return apart(each, found), facts
