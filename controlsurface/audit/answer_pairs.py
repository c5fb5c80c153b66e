"""One statement each: pairs of answers as they are compared, and all traffic with the pairs that belong to it.

Rows are in order, so that sums of the same rows are the same to the last digit.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from controlsurface.arrays import Floats
from controlsurface.client.query_protocol import StoreSession
from controlsurface.config import Config
from controlsurface.errors import TooMuch
from controlsurface.query.arguments import FilteredTimeRange
from controlsurface.query.statement import Statement, where_clause, window_conditions

Codes = NDArray[np.int64]
LanePair = tuple[str, str]  # the cheaper lane and the dearer one

_GRADES = Path(__file__).with_suffix(".sql").read_text("utf-8")
_PAIRS = """
SELECT
    r.*,
    asked.confidence,
    asked.confidence_kind,
    coalesce(r.sample_weight / nullif(r.sampling_probability, 0), r.sample_weight) AS weight
FROM compared AS r
LEFT JOIN (
    SELECT
        request_id,
        arg_max(confidence, started_at) AS confidence,
        arg_max(confidence_kind, started_at) AS confidence_kind
    FROM requests
    WHERE request_id IN (SELECT request_id FROM compared)
    GROUP BY request_id
) AS asked ON asked.request_id = r.request_id"""
_TRAFFIC = """,
paired AS (
    SELECT *
    FROM compared
    WHERE $upper IS NULL OR shadow_lane IN ($lower, $upper)
    QUALIFY row_number() OVER (PARTITION BY request_id, shadow_large ORDER BY started_at, attempt_id) = 1
),
judged AS (  -- what users were given, shadowed or not
    SELECT
        a.request_id,
        arg_max(coalesce(e.grade, label_grade(a.answer_label, $grade_labels)), (a.started_at, a.span_id)) AS grade
    FROM attempts AS a
    LEFT JOIN evaluated AS e ON e.trace_id = a.trace_id AND e.span_id = a.span_id
    WHERE a.purpose = 'user' AND NOT a.failed AND (e.grade IS NOT NULL OR a.answer_label IS NOT NULL)
        AND ($low IS NULL OR a.started_at >= $low::TIMESTAMP - INTERVAL 1 HOUR)
        AND ($until IS NULL OR a.started_at < $until::TIMESTAMP + INTERVAL 1 DAY)
    GROUP BY a.request_id
)
SELECT
    r.task_type,
    r.confidence_kind,
    r.confidence,
    r.threshold,
    (CASE WHEN $upper IS NULL THEN r.escalated ELSE r.lane = $upper END)::DOUBLE AS large,
    r.sample_weight AS weight,
    r.cost_usd::DOUBLE AS cost_usd,
    r.duration_ms,
    coalesce(paired.answer_grade, judged.grade) AS answer_grade,
    paired.shadow_grade,
    paired.sampling_probability AS probability,
    (paired.request_id IS NOT NULL)::DOUBLE AS paired,
    paired.shadow_cost_usd::DOUBLE AS shadow_cost_usd,
    paired.shadow_duration_ms,
    paired.disagrees::DOUBLE AS disagrees
FROM requests AS r
LEFT JOIN paired
    ON paired.request_id = r.request_id
    AND paired.shadow_large <> (CASE WHEN $upper IS NULL THEN r.escalated ELSE r.lane = $upper END)
LEFT JOIN judged ON judged.request_id = r.request_id"""


def select_pairs(args: FilteredTimeRange, config: Config) -> Statement:
    """Every comparison in the window, with grades, weight and the request's confidence."""
    found, parameters = window_conditions("comparisons", args)
    sql = f"{_GRADES}{_PAIRS}{where_clause(found, '')}\nORDER BY r.started_at, r.attempt_id"
    return Statement(sql, parameters | _rules(config) | _between(args.start, args.end), "audits.pairs")


def select_traffic(args: FilteredTimeRange, config: Config, between: LanePair | None = None) -> Statement:
    """Every request in the window that a lane answered, with its shadow from a lane of the other sort, if any.

    The sorts are lanes that are escalations and lanes that are none; with `between` two lanes, and requests of these.
    """
    found, parameters = window_conditions("requests", args)
    sort = "r.lane IN ($lower, $upper)" if between else "r.escalated IS NOT NULL"
    decided = ["r.cache IS NULL", sort, "NOT r.failed", *found]
    sql = f"{_GRADES}{_TRAFFIC}{where_clause(decided, '')}\nORDER BY r.started_at, r.span_id"
    until = _between(None, args.end)["high"]
    lower, upper = between or (None, None)
    rules = _rules(config) | ({"large": [upper]} if between else {}) | {"lower": lower, "upper": upper}
    return Statement(sql, parameters | rules | _between(args.start, None) | {"until": until}, "audits.traffic")


def read_audited_rows(session: StoreSession, statement: Statement) -> pa.Table:
    """Its rows. Raises TooMuch where one question would read more than it may: a part would mislead."""
    most = session.config.limits.audited_requests
    rows = session.rows(replace(statement, sql=f"{statement.sql}\nLIMIT {most + 1}"))
    if rows.num_rows > most:
        raise TooMuch(
            f"the window has more than {most:,} requests (limits.audited_requests); "
            "take a narrower window, or one task_type"
        )
    return rows


def float_column(table: pa.Table, name: str) -> Floats:
    """A column of numbers; NaN is unknown."""
    found: Floats = table[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(found, dtype=np.float64)


def code_column(table: pa.Table, name: str) -> tuple[Codes, list[Any]]:
    """A column of words as numbers, and the words they stand for; unknown is the last word, None."""
    column = table[name].combine_chunks().dictionary_encode()
    words = [*column.dictionary.to_pylist(), None]
    numbers = column.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
    return np.asarray(numbers, dtype=np.int64), words


def _between(low: datetime | None, high: datetime | None) -> dict[str, datetime | None]:
    """When the shadow calls began; None is open."""
    return {"low": low, "high": high}


def _rules(config: Config) -> dict[str, Any]:
    """How answers are graded, and which lanes are large."""
    return {
        "evaluation": config.audit.grade_evaluation,
        "grade_labels": config.audit.grade_labels,
        "large": [name for name, lane in config.lanes.items() if lane.escalation],
    }
