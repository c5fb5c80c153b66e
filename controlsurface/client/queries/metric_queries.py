"""Queries about metrics: the catalogue, a metric, a column in bins, values of dimensions, a week's calls."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, ClassVar

import pyarrow as pa

from controlsurface.client.query_protocol import (
    NO_ARGUMENTS,
    NoArguments,
    Query,
    ReadEndpoint,
    Result,
    ResultFact,
    StoreSession,
)
from controlsurface.client.result_columns import (
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
    one_of,
    optional,
)
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries import dimension_values, metric_query, query_runner
from controlsurface.metrics.queries.dimension_values import DimensionValuesArgs
from controlsurface.metrics.queries.distribution_query import DistributionArgs
from controlsurface.metrics.queries.metric_query import MetricQueryArgs
from controlsurface.money import cost_attribution

SOURCE = one_of("raw", "rollup", "both")
FIGURES: dict[str, Column] = {
    "bucket": optional(TIME),
    "n": COUNT,
    "value": FIGURE,
    **dict.fromkeys(("low", "high"), optional(FIGURE)),
    "priced_share": optional(SHARE),
}
_SUM = column(pa.float64(), nullable=True, minimum=0)


class CatalogResult(Result):
    """The metrics that can be asked for."""

    @property
    def metrics(self) -> list[Metric]:
        """The catalogue, in its order."""
        return [Metric(row.pop("name"), **row) for row in self.rows.to_pylist()]


@dataclass(frozen=True, slots=True)
class CatalogQuery(Query[CatalogResult]):
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
    arguments: NoArguments = NO_ARGUMENTS

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
    arguments: MetricQueryArgs

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
    arguments: DimensionValuesArgs

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.rows(dimension_values.render_dimension_values(self.arguments)))


@dataclass(frozen=True, slots=True)
class AttributionQuery(Query[Result]):
    """A week: the dimensions, requests, attempts, tokens and cost as DECIMAL, priced_share, last_at."""

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
        columns(week=TEXT, start=TIME, end=TIME),
    )
    arguments: cost_attribution.AttributionArgs

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        statement, window = cost_attribution.render_attribution(self.arguments), self.arguments.window
        facts = {"week": self.arguments.week, "start": window.start, "end": window.end}
        return Result(statement.bounded(session.rows(statement)), facts)
