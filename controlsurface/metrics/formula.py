"""From a metric's formula to SQL text over a CTE of measure columns."""

import re
from collections.abc import Iterator

from controlsurface.metrics.counterfactual import DERIVED, READ, asks
from controlsurface.metrics.measures import KEYS, MEASURES, SPREADS
from controlsurface.metrics.metric import Metric

_WORD = re.compile(r"\b(sum|total|distinct|quantile)\((\w+)(?:, ([\d.]+))?\)")
_DIVISOR = re.compile(r"/ ((?:sum|total|distinct)\(\w+\))")


def value(metric: Metric, partition: str = "") -> str:
    """The formula as aggregates; `total` sums over all groups, or over those of one `partition` column."""
    return _aggregates(metric.sql, partition)


def priced_share(metric: Metric) -> str:
    """The share of a money figure's rows that have a price."""
    return _aggregates(metric.priced, "")


def n(metric: Metric, partition: str = "") -> str:
    """How many stored rows (or different keys) the value rests on."""
    if metric.kind == "quantile":
        return f"count({_rests_on(metric)})"
    if "distinct(" in metric.sql:
        return f"count(DISTINCT {_rests_on(metric)})"
    return _in_all(f"sum({_rests_on(metric)}_rows)", metric, partition)


def effective(metric: Metric, partition: str = "") -> str:
    """Kish's effective sample size, (sum of weights) squared / sum of squared weights: n where all weights are one."""
    if "distinct(" in metric.sql:
        return n(metric)
    weights = _in_all(f"sum({_rests_on(metric)})", metric, partition)
    squares = _in_all(f"sum({_rests_on(metric)}_squares)", metric, partition)
    return f"power({weights}, 2) / nullif({squares}, 0)"


def error(metric: Metric) -> str:
    """The standard error of a slope or of what is estimated."""
    return _aggregates(metric.error, "")


def columns(metric: Metric) -> dict[str, str]:
    """The CTE's columns, by name: each as an expression over the row `r`."""
    text = f"{metric.sql}, {metric.priced}" if metric.unit == "usd" else f"{metric.sql} {metric.error}"
    named = [name for _, name, _ in _WORD.findall(text) if name not in DERIVED]
    read = [*named, *(READ if asks(metric) else ())]
    return {name: _column(metric, name) for name in read} | dict(_evidence(metric))


def _aggregates(text: str, partition: str) -> str:
    """The words of a formula as SQL; division by nothing is unknown."""
    over = f"OVER (PARTITION BY {partition})" if partition else "OVER ()"
    spelled = {"sum": "sum({0})", "total": f"sum(sum({{0}})) {over}", "distinct": "count(DISTINCT {0})"}
    spelled["quantile"] = "quantile_cont({0}, {1})"
    return _WORD.sub(lambda word: spelled[word[1]].format(word[2], word[3]), _DIVISOR.sub(r"/ nullif(\1, 0)", text))


def _rests_on(metric: Metric) -> str:
    """The measure, key or spread whose rows carry the figure: the last one that the formula names."""
    return str(_WORD.findall(metric.sql)[-1][1])


def _column(metric: Metric, name: str) -> str:
    """What a row carries under `name`."""
    if metric.kind == "quantile":
        return SPREADS[metric.source][name]
    measure = MEASURES[metric.source].get(name)
    return measure.value if measure else KEYS[metric.source][name]


def _evidence(metric: Metric) -> Iterator[tuple[str, str]]:
    """The columns that say how many rows the value rests on."""
    name = _rests_on(metric)
    measure = MEASURES[metric.source].get(name)
    if measure is None or metric.kind == "quantile":
        return
    yield f"{name}_rows", measure.rows
    if metric.kind == "ratio":
        yield f"{name}_squares", measure.squares


def _in_all(aggregate: str, metric: Metric, partition: str) -> str:
    """What is held against a total last, as a share is, rests on the rows of all groups."""
    if _WORD.findall(metric.sql)[-1][0] != "total":
        return aggregate
    return f"sum({aggregate}) OVER (PARTITION BY {partition})" if partition else f"sum({aggregate}) OVER ()"
