"""Several metrics as one set of lines: a column says which is which."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import polars as pl

from controlsurface.ui.data import collector_queries

ALL_LANES_LABEL = "blended"
TOKEN_KIND_METRICS = {
    "input": "input_tokens",
    "cached": "cached_tokens",
    "output": "output_tokens",
    "reasoning": "reasoning_tokens",
}


def metrics_as_series(metrics: Mapping[str, str], every: timedelta | None = None) -> pl.DataFrame:
    """Metrics (name: id) under each other: bucket (with `every`), kind (its name), value, n."""
    found = collector_queries.query_metrics(metrics.values(), every=every)
    parts = [
        found[metric].with_columns(kind=pl.lit(name), value=pl.col("value").cast(pl.Float64))
        for name, metric in metrics.items()
    ]
    return pl.concat(parts, how="diagonal_relaxed")


def metrics_by_lane_and_total(metrics: Sequence[str], every: timedelta | None = None) -> list[pl.DataFrame]:
    """Each metric by lane, and of all lanes together under the name ALL."""
    together, apart = (collector_queries.query_metrics(metrics, by=by, every=every) for by in ((), ("lane",)))
    blended = {name: rows.with_columns(lane=pl.lit(ALL_LANES_LABEL)) for name, rows in together.items()}
    return [pl.concat([blended[name], apart[name]], how="diagonal_relaxed") for name in metrics]


def tokens_by_kind(every: timedelta) -> pl.DataFrame:
    """Tokens by kind, each counted once: bucket, kind, value. Cached ones are inside input, reasoning inside output."""
    wide = metrics_as_series(TOKEN_KIND_METRICS, every).pivot("kind", index="bucket", values="value")
    amount = {name: pl.col(name).fill_null(0) for name in TOKEN_KIND_METRICS}
    return wide.select(
        "bucket",
        (amount["input"] - amount["cached"]).alias("input, not cached"),
        amount["cached"].alias("input, cached"),
        (amount["output"] - amount["reasoning"]).alias("output, said"),
        amount["reasoning"].alias("output, reasoning"),
    ).unpivot(index="bucket", variable_name="kind", value_name="value")
