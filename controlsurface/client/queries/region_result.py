"""What is different about a region of a heatmap, as readers hand it out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from controlsurface.client.arrow_tables import COUNT, MAYBE_TEXT, NUMBER, SHARE, TEXT, columns
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, ResultFact, StoreSession
from controlsurface.metrics.contributors.contributor_query import MIN_SUPPORT_ROWS
from controlsurface.metrics.contributors.region_query import RegionArgs, render_region
from controlsurface.metrics.statistics import difference_interval, wilson_interval

MIN_STANDARD_ERRORS = 3.0  # by which shares differ: of hundreds of values some differ by two
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("dimension", "value"), pa.string()),
    **dict.fromkeys(("n", "n_outside"), pa.int64()),
    **dict.fromkeys(("share", "share_outside", "difference", "low", "high", "z"), pa.float64()),
    "same_as": pa.string(),
}


class RegionResult(Result):
    """The values that are more, or less, frequent inside than outside, the farthest apart first.

    Rows: dimension, value (null: unknown), n and n_outside (stored rows of it), share and share_outside (of all rows
    inside, and outside), difference with its interval at 95 % (Newcombe 1998, method 10), z, same_as (null, or the
    `dimension:value` further up with the same rows by number). `n` and `n_outside` of the answer count all rows; with
    fewer than 30 of either there are no rows. `values` counts those that differ, listed or not.
    """

    n, n_outside, values = ResultFact[int](), ResultFact[int](), ResultFact[int]()


@dataclass(frozen=True, slots=True)
class RegionQuery(Query[RegionResult]):
    """What is different about the requests in a region of a heatmap, against all others that are drawn."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/region",
        "region",
        "What is different about the requests in a region of confidence or latency over time",
        columns(
            dimension=TEXT,
            value=MAYBE_TEXT,
            **dict.fromkeys(("n", "n_outside"), COUNT),
            **dict.fromkeys(("share", "share_outside"), SHARE),
            **dict.fromkeys(("difference", "low", "high", "z"), NUMBER),
            same_as=MAYBE_TEXT,
        ),
        columns(**dict.fromkeys(("n", "n_outside", "values"), COUNT)),
    )
    result: ClassVar = RegionResult
    arguments: RegionArgs

    def run(self, session: StoreSession) -> RegionResult:
        """Counted in the store, ranked here."""
        statement = render_region(self.arguments)
        found = statement.bounded(session.rows(statement)).to_pylist()
        whole = found[0] if found else {"n": 0, "n_outside": 0}
        ranked = rank_region(found)
        facts = {"n": whole["n"], "n_outside": whole["n_outside"], "values": len(ranked)}
        return RegionResult(pa.Table.from_pylist(ranked[: self.arguments.limit], pa.schema(_TYPES)), facts)


def rank_region(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of counts, the whole first: the values whose shares differ beyond chance, the farthest apart first."""
    if not found or min(found[0]["n"], found[0]["n_outside"]) < MIN_SUPPORT_ROWS:
        return []
    whole, *rows = found
    compared = (_compared(row, whole) for row in rows)
    ranked = sorted(
        (row for row in compared if abs(row["z"]) >= MIN_STANDARD_ERRORS), key=lambda row: -abs(row["difference"])
    )
    first: dict[tuple[int, int], str] = {}
    for row in ranked:
        name = f"{row['dimension']}:{row['value'] or ''}"
        same = first.setdefault((row["n"], row["n_outside"]), name)
        row["same_as"] = None if same == name else same
    return ranked


def _compared(row: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """The shares of one value, and how surely they differ."""
    one, other = row["weight"] / whole["weight"], row["weight_outside"] / whole["weight_outside"]
    n, rest = whole["n"], whole["n_outside"]
    inside, outside = np.atleast_1d(one), np.atleast_1d(other)
    ends = wilson_interval(inside, np.atleast_1d(float(n)))
    low, high = difference_interval(outside, wilson_interval(outside, np.atleast_1d(float(rest))), inside, ends)
    pooled = (one * n + other * rest) / (n + rest)
    error = math.sqrt(max(pooled * (1 - pooled), 0) * (1 / n + 1 / rest))
    return {
        **{name: row[name] for name in ("dimension", "value", "n", "n_outside")},
        "share": one,
        "share_outside": other,
        "difference": one - other,
        "low": float(low[0]),
        "high": float(high[0]),
        "z": (one - other) / error if error else 0.0,
    }
