"""What the same requests would cost in one kind of lane alone: measures that no row has by itself.

Where a request's own calls or a shadow tell, that is its cost. All others are priced by a line of cost over input
tokens, drawn through those that tell: of the same task type and lane where there are ten of them, else of the task
type. A task type of which none tells is left out, and of what was paid, too. Lines are the same for all groups and time
steps of a question, so sums add up over any of them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from controlsurface.metrics.metric import Metric

STRATUM_DIMENSIONS = ("task_type", "lane")
_SUMS = ("known_rows", "known", "known_squares", "known_x", "known_usd", "known_xx", "known_xy", "known_yy")
_OPEN = ("open", "open_squares", "open_x")
ESTIMATE_COLUMNS = ("guess_usd", "lent_usd", "variance", "freedom", "lean")
LANE_SIDES = ("large", "small", "random")
READ_COLUMNS = (
    *("payable", "basis", "basis_rows", "basis_escalated", "basis_usd"),
    *(f"{side}_{name}" for side in LANE_SIDES[:2] for name in (*_SUMS, *_OPEN)),
)
DERIVED_MEASURES = frozenset(
    f"{side}_{name}" for side in LANE_SIDES for name in ("baseline_usd", *ESTIMATE_COLUMNS, "paid", "paid_usd")
)

_TEXT = Path(__file__).with_suffix(".sql").read_text("utf-8")
_NAME = re.compile(r"\((\w+)\)")


def needs_counterfactual(metric: Metric) -> bool:
    """Whether a formula has a measure that is made here."""
    return not DERIVED_MEASURES.isdisjoint(_NAME.findall(metric.sql))


def stratum_dimensions(metrics: Iterable[Metric], dimensions: Sequence[str]) -> tuple[str, ...]:
    """The dimensions by which rows are told apart for these metrics, beside those that are asked for."""
    told_apart = STRATUM_DIMENSIONS if any(map(needs_counterfactual, metrics)) else ()
    return tuple(name for name in told_apart if name not in dimensions)


@dataclass(frozen=True, slots=True)
class CounterfactualStage:
    """CTEs that stand between summed rows and formulas, and the relation that formulas then read."""

    ctes: str
    relation: str


def counterfactual_stage(
    metrics: Iterable[Metric], rows: str, keys: Sequence[str], within: str = ""
) -> CounterfactualStage:
    """From `rows`, a relation with keys, strata and READ, to one with keys and DERIVED, where these are asked for.

    `within` is the key whose values are questions of their own, such as windows: each has its own lines.
    """
    if not any(map(needs_counterfactual, metrics)):
        return CounterfactualStage("", rows)
    return CounterfactualStage(_TEXT.format(**_parts(rows, list(keys), within)), "alone_measures")


def _parts(rows: str, keys: list[str], within: str) -> dict[str, str]:
    """What the text leaves open."""
    grouped = [*keys, *(name for name in STRATUM_DIMENSIONS if name not in keys)]
    known = [f"{side}_{name}" for side in LANE_SIDES[:2] for name in _SUMS]
    same = {f"same_{one}": f"{one}.{within} = cells.{within}" if within else "TRUE" for one in ("own", "wide", "lot")}
    return same | {
        "rows": rows,
        "keys": "".join(f"cells.{key}, " for key in keys),
        "plain": "".join(f"{key}, " for key in keys),
        "within": f"{within}, " if within else "",
        "grouped": ", ".join(grouped),
        "sums": _summed(READ_COLUMNS),
        "known": _summed(known),
        "large_line": _line("large"),
        "small_line": _line("small"),
        "masked": ",\n        ".join(text for side in LANE_SIDES for text in _masked(side)),
    }


def _summed(names: Iterable[str]) -> str:
    return ", ".join(f"sum({name}) AS {name}" for name in names)


def _line(side: str) -> str:
    return f"cost_line({', '.join(f'CAST({side}_{name} AS DOUBLE)' for name in _SUMS)})"


def _masked(side: str) -> list[str]:
    """The measures of one baseline, over requests that it knows a price for."""
    known = f"{side}_baseline_usd IS NOT NULL"
    return [
        f"{side}_baseline_usd",
        *(f"CASE WHEN {known} THEN {side}_{name} END AS {side}_{name}" for name in ESTIMATE_COLUMNS),
        f"CASE WHEN {known} THEN basis ELSE 0 END AS {side}_paid",
        f"CASE WHEN {known} THEN basis_usd END AS {side}_paid_usd",
        f"CASE WHEN {known} THEN basis_rows END AS {side}_paid_usd_rows",
        f"CASE WHEN {known} THEN basis_rows END AS {side}_baseline_usd_rows",
    ]
