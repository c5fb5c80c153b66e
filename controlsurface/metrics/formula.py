"""From a metric's formula to SQL text over a CTE of measure columns."""

import re
from collections.abc import Collection, Iterator, Mapping

from controlsurface.metrics.counterfactual import DERIVED_MEASURES, READ_COLUMNS, needs_counterfactual
from controlsurface.metrics.measures import DISTINCT_KEYS, SPREADS, WEIGHTED_KEYS, Measure, measures_of
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.statistics import MIN_NORMAL_ROWS

_WORD = re.compile(r"\b(sum|total|whole|distinct|quantile)\((\w+)(?:, ([\d.]+))?\)")
_DIVISOR = re.compile(r"/ ((?:sum|total|whole|distinct)\(\w+\))")


def value_sql(metric: Metric, partition: str = "") -> str:
    """The formula as aggregates; `total` sums over all groups, or over those of one `partition` column.

    `whole` sums over all groups of a question: where `bucket` is the partition, over all of its buckets.
    """
    return _aggregates(metric.sql, partition)


def priced_share_sql(metric: Metric) -> str:
    """The share of a money figure's rows that have a price."""
    return _aggregates(metric.priced, "")


def row_count_sql(metric: Metric, partition: str = "") -> str:
    """How many stored rows (or different keys) the value rests on."""
    if metric.kind == "quantile":
        return f"count({_rests_on(metric)})"
    if "distinct(" in metric.sql:
        name = _rests_on(metric)
        return f"count(DISTINCT {name}{'.key' if name in WEIGHTED_KEYS else ''})"
    return _in_all(f"sum({_rests_on(metric)}_rows)", metric, partition)


def effective_size_sql(metric: Metric, partition: str = "") -> str:
    """Kish's effective sample size, (sum of weights) squared / sum of squared weights: n where all weights are one.

    Shadows are drawn more often where lanes differ more often, so of comparisons it is that of the linearised variance
    (Korn and Graubard 1998), held by Kish's: the formula of audits, for one interval of one figure.
    """
    if "distinct(" in metric.sql:
        return _effective_keys(_rests_on(metric)) if _rests_on(metric) in WEIGHTED_KEYS else row_count_sql(metric)
    weights = _in_all(f"sum({_rests_on(metric)})", metric, partition)
    squares = _in_all(f"sum({_rests_on(metric)}_squares)", metric, partition)
    kish = f"power({weights}, 2) / nullif({squares}, 0)"
    return _linearised(metric, weights, squares, kish) if _drawn(metric) else kish


def _linearised(metric: Metric, weights: str, squares: str, kish: str) -> str:
    """The effective size of a share of drawn rows: p (1 - p) / variance, where that is no more than Kish's allows."""
    name = _counts(metric)
    p = f"(sum({name}) / nullif({weights}, 0))"
    residual = f"(sum({name}_squares) * (1 - 2 * {p}) + {p} * {p} * {squares})"
    known = f"{residual} > 1e-15 * power({weights}, 2)"
    own = f"CASE WHEN {known} THEN {p} * (1 - {p}) * power({weights}, 2) / {residual} END"
    return f"least({own}, {kish} * (1 + {kish} / {MIN_NORMAL_ROWS}))"


def _drawn(metric: Metric) -> bool:
    """Whether the metric is a share of rows that were drawn with unlike chances."""
    return metric.source == "comparisons" and metric.kind == "ratio"


def _counts(metric: Metric) -> str:
    """The measure that a share is the share of."""
    return str(_WORD.findall(metric.sql)[0][1])


def standard_error_sql(metric: Metric) -> str:
    """The standard error of a slope."""
    return _aggregates(metric.error, "")


def estimate_ends_sql(metric: Metric) -> dict[str, str]:
    """Both ends of the interval of what is estimated."""
    return {"low": _aggregates(metric.low, ""), "high": _aggregates(metric.high, "")}


def measure_columns(metric: Metric, names: Collection[str] = ()) -> dict[str, str]:
    """The CTE's columns, by name: each as an expression over the row `r`.

    `names` are the dimensions that a question breaks down or filters by.
    """
    text = f"{metric.sql}, {metric.priced}" if metric.unit == "usd" else f"{metric.sql} {metric.error}"
    measures = measures_of(metric.source, names)
    named = [name for _, name, _ in _WORD.findall(text) if name not in DERIVED_MEASURES]
    read = [*named, *(READ_COLUMNS if needs_counterfactual(metric) else ())]
    return {name: _column(metric, name, measures) for name in read} | dict(_evidence(metric, measures))


def _aggregates(text: str, partition: str) -> str:
    """The words of a formula as SQL; division by nothing is unknown."""
    over = f"OVER (PARTITION BY {partition})" if partition else "OVER ()"
    all_of_it = "OVER ()" if partition == "bucket" else over
    spelled = {"sum": "sum({0})", "total": f"sum(sum({{0}})) {over}", "whole": f"sum(sum({{0}})) {all_of_it}"}
    spelled |= {"distinct": "count(DISTINCT {0})", "quantile": "quantile_cont({0}, {1})"}
    spelled["weighted"] = f"coalesce(list_sum({_WEIGHTS}), 0)"
    return _WORD.sub(
        lambda word: spelled["weighted" if word[2] in WEIGHTED_KEYS else word[1]].format(word[2], word[3]),
        _DIVISOR.sub(r"/ nullif(\1, 0)", text),
    )


_WEIGHTS = "weights_of_keys(list(DISTINCT {0}) FILTER (WHERE {0} IS NOT NULL))"


def _effective_keys(name: str) -> str:
    """Kish's effective number of weighted keys."""
    weights = _WEIGHTS.format(name)
    return f"power(list_sum({weights}), 2) / nullif(list_sum(list_transform({weights}, lambda x: x * x)), 0)"


def _rests_on(metric: Metric) -> str:
    """The measure, key or spread whose rows carry the figure: the last one that the formula names."""
    return str(_WORD.findall(metric.sql)[-1][1])


def _column(metric: Metric, name: str, measures: Mapping[str, Measure]) -> str:
    """What a row carries under `name`."""
    if metric.kind == "quantile":
        return SPREADS[metric.source][name]
    measure = measures.get(name)
    return measure.value if measure else DISTINCT_KEYS[metric.source][name]


def _evidence(metric: Metric, measures: Mapping[str, Measure]) -> Iterator[tuple[str, str]]:
    """The columns that say how many rows the value rests on."""
    name = _rests_on(metric)
    measure = measures.get(name)
    if measure is None or metric.kind == "quantile":
        return
    yield f"{name}_rows", measure.rows
    if metric.kind == "ratio":
        yield f"{name}_squares", measure.squares
    if _drawn(metric):
        yield f"{_counts(metric)}_squares", measures[_counts(metric)].squares


def _in_all(aggregate: str, metric: Metric, partition: str) -> str:
    """What is held against a total last, as a share is, rests on the rows of all groups."""
    if _WORD.findall(metric.sql)[-1][0] != "total":
        return aggregate
    return f"sum({aggregate}) OVER (PARTITION BY {partition})" if partition else f"sum({aggregate}) OVER ()"
