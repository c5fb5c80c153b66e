"""Queries about metrics: the catalogue, one metric or several, bins, values of dimensions, a week's calls."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from time import perf_counter
from typing import Any, ClassVar

import pyarrow as pa

from controlsurface.client.arrow_tables import (
    BY_DIMENSION,
    COUNT,
    FIGURE,
    MAYBE_TEXT,
    NUMBER,
    OBJECT,
    SHARE,
    TEXT,
    TIME,
    Column,
    column,
    columns,
    list_of,
    one_of,
    optional,
    record,
)
from controlsurface.client.query_protocol import PlainQuery, Query, ReadEndpoint, Result, ResultFact, StoreSession
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries import dimension_values, metric_query, query_runner
from controlsurface.metrics.queries.batch_query import BatchArgs, QueryPass, query_passes, split_metric_rows
from controlsurface.metrics.queries.dimension_values import DimensionsArgs
from controlsurface.metrics.queries.distribution_query import DistributionArgs
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.metrics.queries.query_runner import run_pass
from controlsurface.metrics.rollups.read_planner import RunStatement
from controlsurface.money import cost_attribution
from controlsurface.query.statement import run_concurrently

SOURCE = one_of("raw", "rollup", "both")
FIGURES: dict[str, Column] = {
    "bucket": optional(TIME),
    "n": COUNT,
    "value": FIGURE,
    **dict.fromkeys(("low", "high"), optional(FIGURE)),
    "priced_share": optional(SHARE),
}
_RESTATED = """
SELECT coalesce(max(revision), 1) AS price_revision, max("at") AS restated_at FROM restatements WHERE week = $week
"""
_SUM = column(pa.float64(), nullable=True, minimum=0)


class CatalogResult(Result):
    """The metrics that can be asked for."""

    @property
    def metrics(self) -> list[Metric]:
        """The catalogue, in its order."""
        return [Metric(row.pop("name"), **row) for row in self.rows.to_pylist()]


class CatalogQuery(PlainQuery[CatalogResult]):
    """The catalogue of metrics."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/metrics",
        "metrics",
        "The catalogue of metrics",
        columns(**dict.fromkeys(("name", "help", "sql", "unit", "better", "group", "kind", "source", "priced"), TEXT)),
        form="bare",
        arrow=False,
    )
    result: ClassVar = CatalogResult

    def run(self, _: StoreSession) -> CatalogResult:
        """From the code."""
        rows = [{"name" if name == "id" else name: it for name, it in asdict(m).items()} for m in CATALOG.values()]
        return CatalogResult(pa.Table.from_pylist(rows))


class MetricResult(Result):
    """One metric's rows: bucket (with `every`), the dimensions asked for, value, n, and low, high, priced_share.

    `n` counts the stored rows a value rests on. `bucket` is a UTC timestamp; a bucket without rows is missing, not 0.
    """

    metric, unit, source, sql = ResultFact[str](), ResultFact[str](), ResultFact[str](), ResultFact[str]()
    parameters = ResultFact[Mapping[str, Any]]()
    elapsed_ms = ResultFact[float]()


@dataclass(frozen=True, slots=True)
class MetricQuery(Query[MetricResult]):
    """One metric over a window, by dimensions and time step."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/query",
        "query",
        "One metric over a window, by dimensions and time step",
        columns(BY_DIMENSION, **FIGURES),
        columns(metric=TEXT, unit=TEXT, source=SOURCE, sql=TEXT, parameters=OBJECT, elapsed_ms=NUMBER),
    )
    result: ClassVar = MetricResult
    arguments: MetricArgs

    def run(self, session: StoreSession) -> MetricResult:
        """Rendered and run."""
        metric = metric_query.find_metric(self.arguments.metric)
        began = perf_counter()
        statement, plan = query_runner.plan_query(session.rows, self.arguments)
        rows = statement.bounded(session.rows(statement))
        about: dict[str, Any] = {"metric": metric.id, "unit": metric.unit, "source": plan.source, "sql": statement.sql}
        about |= {"parameters": statement.shown(), "elapsed_ms": round((perf_counter() - began) * 1e3, 3)}
        return MetricResult(rows, about)


@dataclass(frozen=True, slots=True)
class DistributionQuery(Query[Result]):
    """Bins of a column: bucket (with `every`), the dimensions, lower, upper, n. Empty bins are missing."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/distribution",
        "distribution",
        "A column's values in bins",
        columns(BY_DIMENSION, bucket=optional(TIME), lower=NUMBER, upper=NUMBER, n=NUMBER),
        columns(column=TEXT),
        rows="bins",
    )
    arguments: DistributionArgs

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(query_runner.run_bins(session.rows, self.arguments), {"column": self.arguments.column})


@dataclass(frozen=True, slots=True)
class DimensionsQuery(Query[Result]):
    """Values of dimensions, most frequent first: dimension, value, n, distinct_values (how many, listed or not)."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/dimensions",
        "dimensions",
        "Values of dimensions, most frequent first",
        columns(dimension=TEXT, value=MAYBE_TEXT, n=NUMBER, distinct_values=COUNT),
        rows="values",
    )
    arguments: DimensionsArgs

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.rows(dimension_values.render_dimensions(self.arguments)))


@dataclass(frozen=True, slots=True)
class AttributionQuery(Query[Result]):
    """A week: the dimensions, requests, attempts, tokens and cost as DECIMAL, priced_share, last_at.

    Facts: `price_revision`, 1 until a closed week's calls are priced anew, and when that was (`restated_at`).
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/attribution",
        "attribution",
        "Requests and calls of one week and what they cost",
        columns(
            BY_DIMENSION,
            **dict.fromkeys(("requests", *cost_attribution.SUMMED_COLUMNS), _SUM),
            priced_share=SHARE,
            last_at=TIME,
        ),
        columns(week=TEXT, start=TIME, end=TIME, price_revision=COUNT, restated_at=TIME),
    )
    arguments: cost_attribution.AttributionArgs

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        statement, window = cost_attribution.render_attribution(self.arguments), self.arguments.window
        facts: dict[str, Any] = {"week": self.arguments.week, "start": window.start, "end": window.end}
        facts |= session.state(_RESTATED, {"week": self.arguments.week}).to_pylist()[0]
        return Result(statement.bounded(session.rows(statement)), facts)


@dataclass(frozen=True, slots=True)
class BatchQuery(Query[Result]):
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
    arguments: BatchArgs

    def run(self, session: StoreSession) -> Result:
        """Rows: metric, and what `/api/v1/query` answers about it, one metric after the other.

        Facts: `query_passes`, of each the metrics, source, sql, parameters and elapsed_ms.
        """
        wanted = query_passes(self.arguments)
        found = run_concurrently(partial(_read_pass, session.rows, self.arguments.top), wanted)
        rows = pa.concat_tables([table for tables, _ in found for table in tables], promote_options="default")
        return Result(rows, {"passes": [facts for _, facts in found]})


def _read_pass(rows: RunStatement, top: int | None, each: QueryPass) -> tuple[Iterator[pa.Table], dict[str, Any]]:
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
