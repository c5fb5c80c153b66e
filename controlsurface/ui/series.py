"""Several metrics as one set of lines: a column says which is which."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import polars as pl

from controlsurface.ui import reading

ALL = "blended"
TOKENS = {
    "input": "input_tokens",
    "cached": "cached_tokens",
    "output": "output_tokens",
    "reasoning": "reasoning_tokens",
}


def kinds(metrics: Mapping[str, str], every: timedelta | None = None) -> pl.DataFrame:
    """Metrics (name: id) under each other: bucket (with `every`), kind (its name), value, n."""
    found = reading.queries(metrics.values(), every=every)
    parts = [
        found[metric].with_columns(kind=pl.lit(name), value=pl.col("value").cast(pl.Float64))
        for name, metric in metrics.items()
    ]
    return pl.concat(parts, how="diagonal_relaxed")


def beside_all(metrics: Sequence[str], every: timedelta | None = None) -> list[pl.DataFrame]:
    """Each metric by lane, and of all lanes together under the name ALL."""
    together, apart = (reading.queries(metrics, by=by, every=every) for by in ((), ("lane",)))
    blended = {name: rows.with_columns(lane=pl.lit(ALL)) for name, rows in together.items()}
    return [pl.concat([blended[name], apart[name]], how="diagonal_relaxed") for name in metrics]


def tokens(every: timedelta) -> pl.DataFrame:
    """Tokens by kind, each counted once: bucket, kind, value. Cached ones are inside input, reasoning inside output."""
    wide = kinds(TOKENS, every).pivot("kind", index="bucket", values="value")
    amount = {name: pl.col(name).fill_null(0) for name in TOKENS}
    return wide.select(
        "bucket",
        (amount["input"] - amount["cached"]).alias("input, not cached"),
        amount["cached"].alias("input, cached"),
        (amount["output"] - amount["reasoning"]).alias("output, said"),
        amount["reasoning"].alias("output, reasoning"),
    ).unpivot(index="bucket", variable_name="kind", value_name="value")
