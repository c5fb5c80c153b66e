"""What is different between two windows, as readers hand it out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from controlsurface.formatting import format_value
from controlsurface.metrics.contributors import LEAST_SHARE, SUPPORT, ContributorsArgs, explained
from controlsurface.metrics.folding import folded
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.quantile import spread
from controlsurface.metrics.statement import Statement
from controlsurface.reader.rows import records

_FIELDS: tuple["pa.Field[Any]", ...] = (
    pa.field("dimension", pa.string()),
    pa.field("value", pa.string()),
    *(pa.field(name, pa.float64()) for name in ("before", "after", "share_before", "share_after")),
    *(pa.field(name, pa.int64()) for name in ("n_before", "n")),
    *(pa.field(name, pa.float64()) for name in ("delta", "mix", "rate", "share", "excess", "z")),
    pa.field("within", pa.string()),
    pa.field("same_as", pa.string()),
)
_NOTHING: Mapping[str, Any] = {"before": None, "after": None, "delta": None, "n_before": 0, "n": 0}


@dataclass(frozen=True, slots=True)
class Contributors:
    """The metric in both windows (None: unknown), and the values of dimensions that explain the difference, ranked.

    Rows: dimension, value (null: unknown), before and after (the metric of its rows; a total's baseline is scaled to
    the selection's length), share_before and share_after (of all rows), n_before and n (stored rows), delta (of the
    whole metric, explained by this value) = mix + rate, share (of the whole change; null: nothing changed), excess
    (of a total: delta beyond its part of the baseline's total; else null), z, within (null, or the `dimension:value`
    among whose rows alone it stands out), same_as (null, or what this row repeats: the metric, or a `dimension:value`
    further up).

    No row adds to a quantile: of one, all figures are about the share of rows `above` the baseline's quantile (in the
    metric's unit), and `unit` is that of a share; `compared` says so. Else both are None.

    Values with fewer than `support` rows in both windows are left out, of totals those that make less than
    `least_share` of what their dimension moved; a mean has values of fewer rows where they make a tenth of that.
    `values` counts the others, listed or not. `unexplained` is what the listed values of each dimension leave of
    delta, in its unit.
    """

    metric: str
    unit: str
    before: float | None
    after: float | None
    delta: float | None
    n_before: int
    n: int
    support: int
    least_share: float
    values: int
    unexplained: Mapping[str, float]
    rows: pa.Table
    sql: str
    parameters: Mapping[str, Any]
    elapsed_ms: float
    above: float | None = None
    compared: str | None = None

    @property
    def causes(self) -> list[dict[str, Any]]:
        """The ranked values that repeat no other."""
        return [row for row in records(self.rows) if row["same_as"] is None]

    @property
    def total(self) -> bool:
        """Whether the metric is a sum, ranked by contribution and not by significance."""
        return self.least_share > 0

    @property
    def facts(self) -> dict[str, Any]:
        """All but the rows."""
        return {name: value for name, value in asdict(self).items() if name != "rows"}


def contributors(
    args: ContributorsArgs,
    metric: Metric,
    statement: Statement,
    found: Sequence[Mapping[str, Any]],
    elapsed_ms: float,
    above: float | None = None,
) -> Contributors:
    """The ranked rows, folded; `above` is the bound of a quantile."""
    whole, *rows = found or [_NOTHING]
    ranked, total = folded(rows, metric.id), explained(metric)[1] is None
    listed = ranked[: args.limit]
    return Contributors(
        metric=metric.id,
        unit=metric.unit if metric.kind != "quantile" else "ratio",
        **{name: whole[name] for name in _NOTHING},
        support=0 if total else SUPPORT,
        least_share=LEAST_SHARE if total else 0.0,
        values=len(ranked),
        unexplained=unexplained(listed, whole["delta"]),
        rows=pa.Table.from_pylist(listed, pa.schema(_FIELDS)),
        sql=statement.sql,
        parameters=statement.shown(),
        elapsed_ms=elapsed_ms,
        above=above,
        compared=_compared(metric, above),
    )


def unexplained(rows: Sequence[Mapping[str, Any]], delta: float | None) -> dict[str, float]:
    """What the rows of each dimension leave of the whole change, by dimension in the order of the rows.

    >>> unexplained([{"dimension": "job", "delta": 7.0}, {"dimension": "job", "delta": 2.0}], 10.0)
    {'job': 1.0}
    """
    rest = dict.fromkeys((row["dimension"] for row in rows), delta or 0.0)
    for row in rows:
        rest[row["dimension"]] -= row["delta"]
    return rest


def _compared(metric: Metric, above: float | None) -> str | None:
    """What the figures are about where it is not the metric itself."""
    if metric.kind != "quantile":
        return None
    quantile = f"P{float(spread(metric)[1]) * 100:g}"
    return f"share of {metric.source} above {format_value(above, metric.unit)}, the {quantile} of the baseline"
