"""Which requests a metric counts: those whose own rows, or those of their calls, are in its numerator."""

from collections.abc import Mapping
from typing import Any

from controlsurface.errors import BadRequest
from controlsurface.metrics.contributors.contributor_query import divided_measures
from controlsurface.metrics.measures import SPREADS, measures_of
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries.metric_query import find_metric
from controlsurface.query.arguments import FilteredRange
from controlsurface.query.statement import filter_conditions, where_clause

ROWS_OF_REQUESTS = ("attempts", "comparisons", "scores")  # sources whose rows name their request


def counted_condition(name: str, rows: FilteredRange, above: float | None) -> tuple[str, Mapping[str, Any]]:
    """The condition that a request `r` is counted by a metric, and its parameters.

    `rows` filters by what the metric's rows have, such as a call's model, in the window of the requests. `above` is
    the bound of a quantile. Raises BadRequest for a metric to which no request adds.
    """
    metric = find_metric(name)
    if metric.source != "requests" and metric.source not in ROWS_OF_REQUESTS:
        raise BadRequest(f"counted: '{name}' counts no requests")
    own = _numerator(metric, rows, above)
    found, parameters = filter_conditions(metric.source, rows)
    parameters = {f"counted_{key}": value for key, value in parameters.items()}
    conditions = [each.replace("$", "$counted_") for each in found]
    bound = {"counted_above": above} if "$counted_above" in own else {}
    if metric.source == "requests":
        return " AND ".join([*conditions, own]), parameters | bound
    window = [f"r.started_at {sign}" for sign in _window(rows)]
    inside = where_clause([*window, *conditions, own, "r.request_id IS NOT NULL"])
    return f"r.request_id IN (SELECT r.request_id FROM {metric.source} AS r{inside})", parameters | bound


def _window(rows: FilteredRange) -> list[str]:
    """Calls begin with their request or after it, and are looked for until a day after the window."""
    return [">= $start"] * bool(rows.start) + ["< $end + INTERVAL 1 DAY"] * bool(rows.end)


def _numerator(metric: Metric, rows: FilteredRange, above: float | None) -> str:
    """The condition that a row adds to the metric's numerator."""
    part, _ = divided_measures(metric)
    if metric.kind == "quantile":
        value = SPREADS[metric.source][part]
        return f"{value} > $counted_above" if above is not None else f"{value} IS NOT NULL"
    return f"coalesce(CAST({measures_of(metric.source, rows.filters())[part].value} AS DOUBLE), 0) <> 0"
