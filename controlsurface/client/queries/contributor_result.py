"""What is different between two windows, as readers hand it out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, ClassVar

import pyarrow as pa

from controlsurface.client.arrow_tables import (
    COUNT,
    FIGURE,
    FLAG,
    MAYBE_TEXT,
    NUMBER,
    OBJECT,
    SHARE,
    TEXT,
    as_dicts,
    columns,
    list_of,
    record,
)
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, ResultFact, StoreSession
from controlsurface.formatting import format_value
from controlsurface.metrics.contributors import contributor_ranking
from controlsurface.metrics.contributors.contributor_query import (
    MIN_CHANGE_SHARE,
    MIN_SUPPORT_ROWS,
    ContributorsArgs,
    baseline_scale,
    bound_query,
    divided_measures,
    render_contributors,
    render_joint_sums,
    render_ranked,
    within_value,
)
from controlsurface.metrics.contributors.contributor_ranking import SplitSums, excess_z, fold_duplicates
from controlsurface.metrics.contributors.explained_share import change_z, explained_share
from controlsurface.metrics.contributors.leading_cause import LeadingCause, leading_causes
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries.metric_query import MetricArgs, find_metric
from controlsurface.metrics.queries.quantile import quantile_spread
from controlsurface.query.statement import Statement

_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("dimension", "value"), pa.string()),
    **dict.fromkeys(("before", "after", "share_before", "share_after"), pa.float64()),
    **dict.fromkeys(("n_before", "n"), pa.int64()),
    **dict.fromkeys(("delta", "mix", "rate", "share", "excess", "z"), pa.float64()),
    **dict.fromkeys(("within", "same_as"), pa.string()),
    **dict.fromkeys(("explains", "explains_low", "explains_high", "beyond"), pa.float64()),
    "follows": pa.bool_(),
}
_CAUSE = record(
    dimension=TEXT,
    values=list_of(MAYBE_TEXT),
    **dict.fromkeys(("share", "low", "high", "excess", "row_share"), NUMBER),
    **dict.fromkeys(("before", "after"), FIGURE),
    **dict.fromkeys(("n", "n_before"), COUNT),
    within=MAYBE_TEXT,
)
_NOTHING: Mapping[str, Any] = {"before": None, "after": None, "delta": None, "n_before": 0, "n": 0}


class ContributorResult(Result):
    """The metric in both windows (None: unknown), and the values of dimensions that explain the difference, ranked.

    Rows: dimension, value (null: unknown), before and after (the metric of its rows; a total's baseline is scaled to
    the selection's length), share_before and share_after (of all rows), n_before and n (stored rows), delta (of the
    whole metric, explained by this value) = mix + rate, share (of the whole change; null: nothing changed), excess
    (of a total: delta beyond its part of the baseline's total; else null), z, within (null, or the `dimension:value`
    among whose rows alone it stands out), same_as (null, or what this row repeats: the metric, or a `dimension:value`
    further up), explains (its excess over the baseline's rate and mix, as a part of the whole's; all values of a
    dimension explain 1; null: the whole change is within chance) with its 95 % interval explains_low to explains_high,
    beyond (what it moved beyond its due, in standard errors, among all rows), follows (it shows how the metric came
    about, as the router's reason does, and not why).

    `leading` holds what the change is put down to, the first cause first: dimension, values, share, low, high, excess,
    before, after, n, n_before, row_share, within. `change_z` is the whole change in standard errors, `excess` what the
    metric's numerator has more than at the baseline's rate.

    No row adds to a quantile: of one, all figures are about the share of rows `above` the baseline's quantile (in the
    metric's unit), and `unit` is that of a share; `compared` says so. Else both are None.

    Values with fewer than `support` rows in both windows are left out, of totals those that make less than
    `least_share` of what their dimension moved; a mean has values of fewer rows where they make a tenth of that.
    `values` counts the others, listed or not. `unexplained_change` is what the listed values of each dimension leave of
    delta, in its unit.
    """

    metric, unit, sql = ResultFact[str](), ResultFact[str](), ResultFact[str]()
    before, after, delta = ResultFact[float | None](), ResultFact[float | None](), ResultFact[float | None]()
    n_before, n, support, values = ResultFact[int](), ResultFact[int](), ResultFact[int](), ResultFact[int]()
    least_share, elapsed_ms = ResultFact[float](), ResultFact[float]()
    unexplained = ResultFact[Mapping[str, float]]()
    parameters = ResultFact[Mapping[str, Any]]()
    above, compared = ResultFact[float | None](), ResultFact[str | None]()
    change_z, excess = ResultFact[float](), ResultFact[float]()
    leading = ResultFact[Sequence[Mapping[str, Any]]]()

    @property
    def causes(self) -> list[dict[str, Any]]:
        """The ranked values that repeat no other."""
        return [row for row in as_dicts(self.rows) if row["same_as"] is None]

    @property
    def total(self) -> bool:
        """Whether the metric is a sum, ranked by contribution and not by significance."""
        return self.least_share > 0


@dataclass(frozen=True, slots=True)
class ContributorsQuery(Query[ContributorResult]):
    """What is different between a selection and a baseline: the values that explain a metric's change, ranked."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/contributors",
        "contributors",
        "What is different between a selection and a baseline: values that explain a metric's change, ranked",
        columns(
            dimension=TEXT,
            value=MAYBE_TEXT,
            **dict.fromkeys(("before", "after"), FIGURE),
            **dict.fromkeys(("share_before", "share_after"), SHARE),
            **dict.fromkeys(("n_before", "n"), COUNT),
            **dict.fromkeys(("delta", "mix", "rate", "z"), NUMBER),
            **dict.fromkeys(("within", "same_as"), MAYBE_TEXT),
            **dict.fromkeys(("explains", "explains_low", "explains_high"), FIGURE),
            beyond=NUMBER,
            follows=FLAG,
        ),
        columns(
            **dict.fromkeys(("metric", "unit", "sql"), TEXT),
            **dict.fromkeys(("before", "after", "delta", "above"), FIGURE),
            **dict.fromkeys(("n_before", "n", "support", "values"), COUNT),
            parameters=OBJECT,
            elapsed_ms=NUMBER,
            compared=MAYBE_TEXT,
            **dict.fromkeys(("change_z", "excess"), NUMBER),
            leading=list_of(_CAUSE),
        ),
    )
    result: ClassVar = ContributorResult
    arguments: ContributorsArgs

    def run(self, session: StoreSession) -> ContributorResult:
        """Rendered, run and folded."""
        args, began = self.arguments, perf_counter()
        find_metric(args.metric)
        above = _bound(session, bound_query(args))
        rows = self._read(session, above)
        return _ranked(args, render_contributors(args, above), rows, round((perf_counter() - began) * 1e3, 3), above)

    def _read(self, session: StoreSession, above: float | None) -> list[dict[str, Any]]:
        """The rows of all values, and what each has to say beside the leading one."""
        args = self.arguments
        all_rows = render_ranked(args)
        with session.session() as queries:
            queries.materialize("joint", render_joint_sums(args, above))
            rows = all_rows.bounded(queries.query(all_rows)).to_pylist()
            lead = contributor_ranking.leading_contributor(rows, MIN_SUPPORT_ROWS)
            if lead:
                inside = queries.query(within_value(args, lead["dimension"], lead["value"])).to_pylist()
                rows = contributor_ranking.rank_beside(rows, lead, inside, MIN_SUPPORT_ROWS, baseline_scale(args))
        return list(rows)


def _bound(session: StoreSession, asked: MetricArgs | None) -> float | None:
    """The quantile that rows are held against."""
    rows = MetricQuery(asked).run(session).rows.to_pylist() if asked else []
    return float(rows[0]["value"]) if rows and rows[0]["value"] is not None else None


def _ranked(
    args: ContributorsArgs, sql: Statement, found: Sequence[Mapping[str, Any]], elapsed_ms: float, above: float | None
) -> ContributorResult:
    """The ranked rows, folded; `above` is the bound of a quantile."""
    whole, *rows = found or [_NOTHING]
    metric, scale = find_metric(args.metric), baseline_scale(args)
    all_sums = SplitSums.of(whole) if found else None
    most, total = fold_duplicates(rows, metric.id), divided_measures(metric)[1] is None
    listed = [row | _explains(row, all_sums, scale) for row in most[: args.limit]]
    facts = {
        "metric": metric.id,
        "unit": metric.unit if metric.kind != "quantile" else "ratio",
        **{name: whole[name] for name in _NOTHING},
        "support": 0 if total else MIN_SUPPORT_ROWS,
        "least_share": MIN_CHANGE_SHARE if total else 0.0,
        "values": len(most),
        "unexplained": unexplained_change(listed, whole["delta"]),
        "sql": sql.sql,
        "parameters": sql.shown(),
        "elapsed_ms": elapsed_ms,
        "above": above,
        "compared": _compared(metric, above),
        "change_z": change_z(all_sums, scale) if all_sums else 0.0,
        "excess": explained_share(all_sums, all_sums, scale).excess if all_sums else 0.0,
        "leading": [asdict(each) | {"values": [*each.values]} for each in _leading(whole, rows, most, scale)]
        if found
        else [],
    }
    return ContributorResult(pa.Table.from_pylist(listed, pa.schema(_TYPES)), facts)


def _explains(row: Mapping[str, Any], whole: SplitSums | None, scale: float | None) -> dict[str, float | None]:
    """What a value explains of the whole change, with the interval, and how far beyond its due it moved."""
    found = explained_share(SplitSums.of(row), whole, scale) if whole else None
    names = {"explains": "share", "explains_low": "low", "explains_high": "high"}
    beyond = excess_z(SplitSums.of(row), whole, scale) if whole else 0.0
    return {name: getattr(found, each, None) for name, each in names.items()} | {"beyond": beyond}


def _leading(
    whole: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    folded: Sequence[Mapping[str, Any]],
    scale: float | None,
) -> list[LeadingCause]:
    """The causes: dimensions that repeat another one are not looked at twice."""
    if scale is None and min(whole["n"], whole["n_before"]) < MIN_SUPPORT_ROWS:
        return []
    order = dict.fromkeys(row["dimension"] for row in folded if row["same_as"] is None)
    return leading_causes(whole, rows, [*order], scale)


def unexplained_change(rows: Sequence[Mapping[str, Any]], delta: float | None) -> dict[str, float]:
    """What the rows of each dimension leave of the whole change, by dimension in the order of the rows.

    >>> unexplained_change([{"dimension": "job", "delta": 7.0}, {"dimension": "job", "delta": 2.0}], 10.0)
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
    quantile = f"P{float(quantile_spread(metric)[1]) * 100:g}"
    return f"share of {metric.source} above {format_value(above, metric.unit)}, the {quantile} of the baseline"
