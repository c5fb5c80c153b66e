"""Architectures side by side: what a request costs, the fixed part of a month, and where their costs cross."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from math import sqrt
from typing import Any

from controlsurface.metrics.statistics import MIN_MEAN_ROWS, UNLIKE_MIX, Z_95, mix_distance
from controlsurface.money.control.control_cost import KNOWN_ENOUGH
from controlsurface.money.control.cost_curve import DAYS_PER_MONTH, CostCrossing, CostLine, find_crossing
from controlsurface.query.dimensions import dimension_column
from controlsurface.query.statement import Statement, row_limit

MIN_COSTED_REQUESTS = 30  # requests with a known cost, under which nothing is said of the cost of one
MAX_COMPARED = 6  # values that are held against each other, those with the most requests

# Own, failed and overhead calls: a request that failed or was tried again has its cost, and nothing is cheap for it.
_REQUEST_COSTS = """
SELECT
    {by} AS name,
    count(*) AS n,
    count(usd) AS costed,
    sum(w) FILTER (usd IS NOT NULL) AS weight,
    sum(w * usd) AS weighted,
    sum(w * w) FILTER (usd IS NOT NULL) AS squares,
    sum(w * w * usd) AS squares_usd,
    sum(w * w * usd * usd) AS squares_usd_usd
FROM (
    SELECT
        r.{by}, r.sample_weight AS w,
        CASE WHEN r.priced AND r.cost_usd IS NOT NULL
            THEN CAST(r.cost_usd + coalesce(r.overhead_usd, 0) AS DOUBLE) END AS usd
    FROM requests AS r
    WHERE r.started_at >= $start AND r.started_at < $end
)
GROUP BY {by}
ORDER BY n DESC, name NULLS LAST
LIMIT $row_limit
"""
# An error goes up from a span to its parents: the step that failed is a failed span below which none failed. Names that
# differ by their numbers alone are one step where there are more than a handful: `agent_step_17` is no step of its own.
_FAILED_STEPS = """
WITH asked AS (
    SELECT DISTINCT r.{by} AS label, r.trace_id
    FROM requests AS r
    WHERE r.failed AND r.started_at >= $start AND r.started_at < $end
),
own AS (
    SELECT asked.label, s.trace_id, s.span_id, s.parent_span_id, s.name
    FROM spans AS s
    JOIN asked ON asked.trace_id = s.trace_id
    WHERE s.status = 2
),
origins AS (
    SELECT label, trace_id, name, regexp_replace(name, '[0-9]+', '#', 'g') AS plain
    FROM own
    WHERE NOT EXISTS (
        SELECT 1 FROM own AS below WHERE below.trace_id = own.trace_id AND below.parent_span_id = own.span_id
    )
),
many AS (SELECT plain FROM origins GROUP BY plain HAVING count(DISTINCT name) > 5),
steps AS (
    SELECT label, CASE WHEN plain IN (FROM many) THEN plain ELSE name END AS step, count(*) AS n
    FROM origins
    GROUP BY ALL
)
SELECT label AS name, arg_max(step, (n, step)) AS failed_step, max(n) / sum(n) AS failed_step_share
FROM steps
GROUP BY label
"""
Row = Mapping[str, Any]


def render_request_costs(by: str, window: Mapping[str, Any]) -> Statement:
    """The statement whose rows are the sums of what requests cost, by a dimension. Raises UnknownName."""
    sql = _REQUEST_COSTS.format(by=dimension_column("requests", by))
    return Statement(sql, {**window, **row_limit()}, "architectures.costs")


def render_failed_steps(by: str, window: Mapping[str, Any]) -> Statement:
    """The statement whose rows are name, failed_step and its share of first failures. Raises UnknownName."""
    return Statement(_FAILED_STEPS.format(by=dimension_column("requests", by)), {**window}, "architectures.failures")


@dataclass(frozen=True, slots=True)
class CostSpread:
    """Mean cost of a request with the ends of its interval at 95 %, and how many requests it rests on."""

    usd: float | None
    low: float | None
    high: float | None
    costed: int


def cost_spread(row: Row) -> CostSpread:
    """The mean of the sums of `render_request_costs`; its interval is the linearised one of a ratio of sums."""
    costed = int(row["costed"] or 0)
    if costed < MIN_COSTED_REQUESTS or not row["weight"]:
        return CostSpread(None, None, None, costed)
    mean = row["weighted"] / row["weight"]
    if costed < MIN_MEAN_ROWS:
        return CostSpread(mean, None, None, costed)
    squares = row["squares_usd_usd"] - 2 * mean * row["squares_usd"] + mean * mean * row["squares"]
    half = Z_95 * sqrt(max(squares, 0)) / row["weight"]
    return CostSpread(mean, max(mean - half, 0), mean + half, costed)


def curve_figures(
    control: Row, spread: CostSpread, hardware: Sequence[Row], monthly_usd: float, length: timedelta
) -> dict[str, float | None]:
    """The line of one architecture: its fixed part a month, its variable cost a request, and a month as it is now.

    `control`: a row of the cost of control; `hardware`: its rows of own hardware. Of these the busy time is in what
    requests cost already; it is fixed, and so it moves from there to the fixed part, with its part of the idle time.
    What a request takes in the store is variable, where that has a price.
    """
    months = length / timedelta(days=DAYS_PER_MONTH)
    requests, rated = control["requests"], control["rated_share"]
    paid = [each["cost_usd_with_idle"] for each in hardware]
    busy = [each["cost_usd"] for each in hardware]
    known = None not in paid and None not in busy and (rated is None or rated >= KNOWN_ENOUGH) and months > 0
    fixed = (float(sum(paid)) + (control["engineer_usd"] or 0)) / months + monthly_usd if known else None
    priced = (control["priced_share"] or 0) >= KNOWN_ENOUGH and requests and spread.usd is not None
    moved = ((control["storage_usd"] or 0) - float(sum(busy))) / requests if priced and known else None
    means = (spread.usd, spread.low, spread.high)
    ends = [None if moved is None or mean is None else max(mean + moved, 0) for mean in means]
    volume = requests / months if months > 0 else None
    line = CostLine("", fixed, ends[0])
    total = line.monthly(volume) if volume is not None else None
    return {
        "hardware_usd": None if None in paid else float(sum(paid)),
        "fixed_usd_per_month": fixed,
        **dict(zip(("variable_usd", "variable_low", "variable_high"), ends, strict=True)),
        "requests_per_month": volume,
        "usd_per_month": total,
        "usd_per_1000_requests": 1000 * total / volume if total is not None and volume else None,
    }


def compare_curves(rows: Sequence[Row], mixes: Mapping[str, Mapping[Any, float]]) -> list[tuple[CostCrossing, float]]:
    """Where the lines of each two cross, and how unlike the task types are that they were sent (share, 0 to 1).

    Of unlike traffic nothing is said: one sort of requests is cheaper than another whoever answers it.
    """
    named = [row for row in rows if row["name"] is not None][:MAX_COMPARED]
    return [
        _compared(one, other, mix_distance(mixes[one["name"]], mixes[other["name"]]))
        for one, other in combinations(named, 2)
    ]


def _compared(one: Row, other: Row, unlike: float) -> tuple[CostCrossing, float]:
    reasons = [_unknown(row) for row in (one, other)]
    if unlike > UNLIKE_MIX:
        reasons.append(f"unlike traffic, {unlike:.0%} of the requests of one would have to be of another task type")
    if why := next(filter(None, reasons), ""):
        return CostCrossing(one["name"], other["name"], unknown=why), unlike
    return find_crossing(cost_line(one), cost_line(other)), unlike


def cost_line(row: Row) -> CostLine:
    """The line of a row of `/api/v1/architectures`."""
    ends = (row[f"variable_{end}"] for end in ("usd", "low", "high"))
    return CostLine(row["name"], row["fixed_usd_per_month"], *ends)


def _unknown(row: Row) -> str:
    """Why nobody can tell what the architecture costs; empty where it is known."""
    if row["costed"] < MIN_COSTED_REQUESTS:
        return f"the cost of {row['costed']} requests of {row['name']} is known, of {MIN_COSTED_REQUESTS} needed"
    if (row["priced_share"] or 0) < KNOWN_ENOUGH:
        return (
            f"{row['priced_share'] or 0:.0%} of the calls of {row['name']} have a price, of {KNOWN_ENOUGH:.0%} needed"
        )
    if row["rated_share"] is not None and row["rated_share"] < KNOWN_ENOUGH:
        return f"{row['rated_share']:.0%} of the engineer minutes of {row['name']} have an hourly rate"
    return "" if row["fixed_usd_per_month"] is not None else f"own hardware of {row['name']} has no rate to USD"


def mixes_of(rows: Iterable[Row], by: str) -> dict[str, dict[Any, float]]:
    """Requests by task type of each value."""
    found: dict[str, dict[Any, float]] = {}
    for row in rows:
        found.setdefault(row[by], {})[row["task_type"]] = row["value"]
    return found
