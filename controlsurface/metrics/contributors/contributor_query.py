"""What is different between a selection and its baseline: every value of every dimension, ranked."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from controlsurface.errors import BadRequest
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.contributors import contributor_ranking
from controlsurface.metrics.counterfactual import needs_counterfactual
from controlsurface.metrics.measures import SPREADS, measures_of
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries.metric_query import MetricArgs, find_metric
from controlsurface.metrics.queries.quantile import quantile_spread
from controlsurface.query.arguments import Arguments, ArgumentText, FilteredRange, Instant
from controlsurface.query.dimensions import DIMENSIONS
from controlsurface.query.statement import Statement, row_limit, where_clause, window_conditions

MIN_SUPPORT_ROWS = 30  # rows in either window, under which a share says more about chance than about the router
# Of what all values of the dimension moved: what a value of a total must have moved to be listed.
MIN_CHANGE_SHARE = 0.01
MIN_MEAN_CHANGE_SHARE = 0.1  # the same for a value of a mean that has no support by its rows
MAIN_DIRECTION_SHARE = 0.5  # of a dimension's movements go one way: what goes the other way did not cause the change
MAX_EXPLAINED_VARIANCE = 0.8  # of the metric's variance in both windows: the dimension is the metric under another name

_RANKED_SQL = Path(__file__).with_suffix(".sql").read_text("utf-8").rstrip("\n")
_JOINT_SQL = Path(__file__).with_name("contributors_joint.sql").read_text("utf-8").rstrip("\n")
_FORMULA = re.compile(r"(?:coalesce\()?sum\((\w+)\)(?:, 0\))?(?: / sum\((\w+)\))?")

_ESCALATION = ("escalated", "routed", "cascaded", "fallback", "fell_back", "unsure", "near_threshold")

# Dimensions that are made of the same facts as a measure: they would come first and explain nothing.
_EQUIVALENT_DIMENSIONS: Mapping[str, str] = {
    **dict.fromkeys(
        _ESCALATION,
        "lane selected_lane request_lane escalation_kind escalation_reason "
        "selected_model answered_by model provider cost_source",
    ),
    **dict.fromkeys(("failed", "recovered"), "error_type"),
    **dict.fromkeys(("priced", "unpriced"), "cost_source unpriced_parts"),
    "cached": "cache",
    "batched": "mode",
    "gate_failed": "gate",
    "confidence_missing": "confidence_kind",
    "overhead_usd": "purpose",
}
# What the router decides. Money and time follow it; the model and lane that answered may be slow or dear themselves.
_DECISION_DIMENSIONS = "requested_model selected_model selected_lane escalation_kind escalation_reason reason"
_ROUTED_MEASURES = ("cost_usd", "duration_ms", "overhead_usd", "overhead_request_usd", "input_tokens", "output_tokens")
# Dimensions that are settled with the measure or before it by the router: they show how it came, so they stand behind
# who asked what.
_DEPENDENT_DIMENSIONS: Mapping[str, str] = {
    **dict.fromkeys(_ESCALATION, "requested_model reason cache gate error_type confidence_kind"),
    **dict.fromkeys((*_ROUTED_MEASURES, "latency_ms", "ttft_ms", "routing_ms"), _DECISION_DIMENSIONS),
}


def _sums(metric: Metric) -> re.Match[str] | None:
    """The measures whose sums a metric is made of; None where no row adds to it by itself."""
    return None if needs_counterfactual(metric) else _FORMULA.fullmatch(metric.sql)


class ContributorsArgs(Arguments):
    """A metric, the window that is looked at, and the one it is held against."""

    metric: str = Field(
        max_length=100,
        description="a metric of /api/v1/metrics: a total, a mean or share of rows, or a quantile",
        json_schema_extra={"enum": [name for name, each in CATALOG.items() if each.kind == "quantile" or _sums(each)]},
    )
    start: Instant = Field(description="first moment of the selection, RFC 3339 or relative (-2h)")
    end: Instant = Field(description="moment after its last")
    baseline_start: Instant = Field(description="first moment of the baseline")
    baseline_end: Instant = Field(description="moment after its last")
    where: tuple[ArgumentText, ...] = Field(
        (),
        max_length=100,
        description="dimension:value; repeated: any value of one dimension, all dimensions; empty value: unknown",
    )
    limit: int = Field(50, ge=1, le=1000, description="values listed; the answer says how many there are")

    @model_validator(mode="after")
    def _apart(self) -> Self:
        """Refuse windows that end before they start, or overlap."""
        if self.end < self.start:
            raise BadRequest(f"end {self.end.isoformat()} lies before start {self.start.isoformat()}")
        if self.baseline_end < self.baseline_start:
            raise BadRequest(f"baseline_end {self.baseline_end.isoformat()} lies before baseline_start")
        if self.baseline_start < self.end and self.start < self.baseline_end:
            raise BadRequest("baseline_end: the baseline overlaps the selection; no row can be compared with itself")
        return self

    def filters(self) -> Mapping[str, tuple[str | None, ...]]:
        """Each filtered dimension and the values it may have."""
        return FilteredRange(where=self.where).filters()


def divided_measures(metric: Metric) -> tuple[str, str | None]:
    """The measures that a metric divides; None: it is a total. Raises BadRequest where it is made of something else.

    Of a quantile it is its spread, above a bound and known at all.
    """
    if metric.kind == "quantile":
        return (quantile_spread(metric)[0],) * 2
    match = _sums(metric)
    if match is None:
        what = "is no total, mean, share or quantile of rows, so no row contributes to it"
        raise BadRequest(f"metric: '{metric.id}' {what}")
    return match[1], match[2]


def contributor_dimensions(args: ContributorsArgs) -> list[str]:
    """What is looked at: every dimension but those that the filters fix or that say what the metric says."""
    metric = find_metric(args.metric)
    fixed = {name for name, values in args.filters().items() if len(set(values)) == 1}
    dropped = fixed | {*_EQUIVALENT_DIMENSIONS.get(divided_measures(metric)[0], "").split()}
    return [name for name in DIMENSIONS[metric.source] if name not in dropped]


def baseline_scale(args: ContributorsArgs) -> float | None:
    """What a total's baseline is multiplied by to be one of the selection's length; None: no total."""
    if divided_measures(find_metric(args.metric))[1] is not None:
        return None
    length = args.baseline_end - args.baseline_start
    return (args.end - args.start) / length if length else 0.0


def bound_query(args: ContributorsArgs) -> MetricArgs | None:
    """The question whose value is the bound that rows are held against: the baseline's quantile. None: no quantile."""
    if find_metric(args.metric).kind != "quantile":
        return None
    return MetricArgs(metric=args.metric, start=args.baseline_start, end=args.baseline_end, where=args.where)


def render_joint_sums(args: ContributorsArgs, above: float | None = None) -> Statement:
    """The statement whose rows are the sums of each combination of all dimensions, in either window.

    `above` is the bound that a quantile's rows are held against.
    """
    metric, names = find_metric(args.metric), contributor_dimensions(args)
    found, parameters = window_conditions(metric.source, FilteredRange(where=args.where))
    found.append(f"({_within('start', 'end')} OR {_within('baseline_start', 'baseline_end')})")
    sql = _JOINT_SQL.format(
        names=", ".join(names),
        pairs=", ".join(f"'{name}': {name}" for name in names),
        columns=",\n            ".join([*(f"r.{name}" for name in names), *_columns(metric, args.filters())]),
        source=metric.source,
        where=where_clause(found),
    )
    moments = {name: getattr(args, name) for name in ("start", "end", "baseline_start", "baseline_end")}
    parameters |= {"above": above} if bound_query(args) else {}
    return Statement(sql, parameters | moments, "contributors.joint")


def render_ranked(args: ContributorsArgs) -> Statement:
    """The statement over `render_joint_sums`: first the whole (dimension NULL), then values with support, ranked.

    Support of a share is so many rows, of a sum what it contributes. Beside what is handed out, rows have the sums
    that `conditioning` needs.
    """
    return _ranked(args, contributor_dimensions(args), MIN_SUPPORT_ROWS)


def within_value(args: ContributorsArgs, dimension: str, value: str | None) -> Statement:
    """The same about the rows of one value alone, with all their values, however few rows have them."""
    names = [name for name in contributor_dimensions(args) if name != dimension]
    statement = _ranked(args, names, 0, f"{dimension} IS NOT DISTINCT FROM $within")
    return Statement(statement.sql, {**statement.parameters, "within": value}, "contributors.within")


def render_contributors(args: ContributorsArgs, above: float | None = None) -> Statement:
    """`render_joint_sums` and `render_ranked` as one statement, as people read it."""
    sums, rows = render_joint_sums(args, above), render_ranked(args)
    sql = rows.sql.replace("WITH marked AS (", f"WITH joint AS (\n{sums.sql}\n),\nmarked AS (", 1)
    return Statement(sql, {**sums.parameters, **rows.parameters}, "contributors.whole")


def _ranked(args: ContributorsArgs, names: Sequence[str], support: int, condition: str = "") -> Statement:
    metric = find_metric(args.metric)
    part, whole = divided_measures(metric)
    sql = _RANKED_SQL.format(
        labels=", ".join(f"'{name}'" for name in names),
        names=", ".join(names),
        where=where_clause([condition]) if condition else "",
        follows=_one_of(_DEPENDENT_DIMENSIONS.get(part, "").split()),
    )
    sort = {"total": whole is None, "ratio": metric.kind in {"ratio", "quantile"}, "scale": baseline_scale(args) or 1.0}
    sort |= {"support": support, "least_share": MIN_CHANGE_SHARE if whole is None else MIN_MEAN_CHANGE_SHARE}
    bounds = {
        "restates": MAX_EXPLAINED_VARIANCE,
        "sure": contributor_ranking.MIN_CAUSE_STANDARD_ERRORS,
        "came_up": contributor_ranking.MIN_NEW_SHARE,
        "mostly": MAIN_DIRECTION_SHARE,
        "counts": contributor_ranking.DECIDED_EXCESS_WEIGHT,
    }
    return Statement(sql, {**sort, **bounds, **row_limit()}, "contributors.ranked")


def _columns(metric: Metric, filtered: Collection[str]) -> list[str]:
    """What a row adds to the metric, and in which window."""
    part, whole = divided_measures(metric)
    if metric.kind == "quantile":
        value = SPREADS[metric.source][part]
        return [
            f"{_within('start', 'end')} AS chosen",
            f"CASE WHEN {value} IS NOT NULL THEN 1 ELSE 0 END AS n",
            f"CAST(CASE WHEN {value} IS NOT NULL THEN r.sample_weight ELSE 0 END AS DOUBLE) AS whole",
            f"CAST(CASE WHEN {value} > $above THEN r.sample_weight ELSE 0 END AS DOUBLE) AS part",
        ]
    measures = measures_of(metric.source, filtered)
    rests_on = measures[whole or part]
    each = f"CASE WHEN {rests_on.known} THEN {rests_on.weight} ELSE 0 END"
    return [
        f"{_within('start', 'end')} AS chosen",
        f"{rests_on.rows} AS n",
        f"CAST({measures[whole].value if whole else each} AS DOUBLE) AS whole",
        f"coalesce(CAST({measures[part].value} AS DOUBLE), 0) AS part",
    ]


def _one_of(names: list[str]) -> str:
    """The condition that a row's dimension is one of the names."""
    listed = ", ".join(f"'{name}'" for name in names)
    return f"coalesce(dimension IN ({listed}), FALSE)" if names else "FALSE"


def _within(start: str, end: str) -> str:
    """The condition that a row lies in a window."""
    return f"(r.started_at >= ${start} AND r.started_at < ${end})"


Baseline = Literal["before", "yesterday", "last_week"]
BASELINES: dict[Baseline, str] = {
    "before": "the time before",
    "yesterday": "the same hours yesterday",
    "last_week": "the same hours last week",
}

_BASELINE_STEPS = {"yesterday": timedelta(days=1), "last_week": timedelta(days=7)}


def baseline_window(
    name: Baseline, start: datetime, end: datetime, since: datetime | None = None
) -> tuple[datetime, datetime]:
    """From when to when the baseline of a selection reaches; both never overlap.

    `before` begins at `since` where that is earlier than the selection, else it is as long as the selection. Longer
    selections go back by as many days or weeks as they last.
    """
    if name == "before":
        return (since if since and since < start else start - (end - start)), start
    back = _BASELINE_STEPS[name] * max(1, -((start - end) // _BASELINE_STEPS[name]))
    return start - back, end - back
