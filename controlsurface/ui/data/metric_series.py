"""What charts over time draw: several metrics as one set of lines, and what happened in the window as marks."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import polars as pl

from controlsurface.charts import EventMark
from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries.event_list import EventsQuery
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data.steady_series import steady_metrics
from controlsurface.ui.view import DashboardView

ALL_LANES_LABEL = "All"
TOKEN_KIND_METRICS = {
    "input": "input_tokens",
    "cached": "cached_tokens",
    "output": "output_tokens",
    "reasoning": "reasoning_tokens",
}


def metrics_as_series(metrics: Mapping[str, str], view: DashboardView) -> pl.DataFrame:
    """Metrics (name: id) under each other, as `steady_metrics` has them: bucket, until, kind (its name), value, n."""
    return _by_kind(metrics, steady_metrics(metrics.values(), view))


def _by_kind(metrics: Mapping[str, str], found: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The rows of metrics (name: id) under each other, with their name as kind."""
    parts = [
        found[metric].with_columns(kind=pl.lit(name), value=pl.col("value").cast(pl.Float64))
        for name, metric in metrics.items()
    ]
    return pl.concat(parts, how="diagonal_relaxed")


def metrics_by_lane_and_total(metrics: Sequence[str], view: DashboardView) -> list[pl.DataFrame]:
    """Each metric by lane, and of all lanes together under the name ALL, as `steady_metrics` has them."""
    together, apart = (steady_metrics(metrics, view, by) for by in ((), ("lane",)))
    blended = {name: rows.with_columns(lane=pl.lit(ALL_LANES_LABEL)) for name, rows in together.items()}
    return [pl.concat([blended[name], apart[name]], how="diagonal_relaxed") for name in metrics]


def tokens_by_kind(every: timedelta) -> pl.DataFrame:
    """Tokens by kind, each counted once: bucket, kind, value. Cached ones are inside input, reasoning inside output."""
    wide = _by_kind(
        TOKEN_KIND_METRICS, collector_queries.query_metrics(TOKEN_KIND_METRICS.values(), every=every)
    ).pivot("kind", index="bucket", values="value")
    amount = {name: pl.col(name).fill_null(0) for name in TOKEN_KIND_METRICS}
    return wide.select(
        "bucket",
        (amount["input"] - amount["cached"]).alias("input, not cached"),
        amount["cached"].alias("input, cached"),
        (amount["output"] - amount["reasoning"]).alias("output, visible"),
        amount["reasoning"].alias("output, reasoning"),
    ).unpivot(index="bucket", variable_name="kind", value_name="value")


MAX_EVENT_MARKS = 8  # marks on one chart: more hide it, so the latest stay
MAX_EVENT_LABEL_CHARS = 40  # characters of a label


def event_marks(within: DashboardView | None = None) -> list[EventMark]:
    """The changes in what the bar shows, or in another view: told, and found in the requests; in order of time."""
    found = list_change_events(within or collector_queries.current_view())
    return [
        EventMark(at, title[:MAX_EVENT_LABEL_CHARS])
        for at, title in found.select("at", "title").tail(MAX_EVENT_MARKS).iter_rows()
    ]


def list_change_events(view: DashboardView) -> pl.DataFrame:
    """The same with all there is to say: at, kind, title, detail, source."""
    args = EventsArgs(start=view.start, end=view.end)
    return as_polars(collector_queries.fetch_cached(EventsQuery(args), view.refresh).rows)
