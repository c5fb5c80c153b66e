"""Pairs of answers, all traffic with its pairs, their columns, and the strata in which some speak for others."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from controlsurface.arrays import Flags, Floats, Ints
from controlsurface.client.query_protocol import StoreSession
from controlsurface.config import Config
from controlsurface.errors import TooMuch
from controlsurface.query.arguments import FilteredRange
from controlsurface.query.statement import Statement, where_clause, window_conditions

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


def select_pairs(args: FilteredRange, config: Config) -> Statement:
    """Every comparison in the window, with grades, weight and the request's confidence."""
    found, parameters = window_conditions("comparisons", args)
    sql = f"{_GRADES}{_PAIRS}{where_clause(found, '')}\nORDER BY r.started_at, r.attempt_id"
    return Statement(sql, parameters | _rules(config) | {"low": args.start, "high": args.end}, "audits.pairs")


def select_traffic(args: FilteredRange, config: Config, between: LanePair | None = None) -> Statement:
    """Every request in the window that a lane answered, with its shadow from a lane of the other sort, if any.

    The sorts are lanes that are escalations and lanes that are none; with `between` two lanes, and requests of these.
    """
    found, parameters = window_conditions("requests", args)
    sort = "r.lane IN ($lower, $upper)" if between else "r.escalated IS NOT NULL"
    decided = ["r.cache IS NULL", sort, "NOT r.failed", *found]
    sql = f"{_GRADES}{_TRAFFIC}{where_clause(decided, '')}\nORDER BY r.started_at, r.span_id"
    lower, upper = between or (None, None)
    rules = _rules(config) | ({"large": [upper]} if between else {}) | {"lower": lower, "upper": upper}
    shadowed = {"low": args.start, "high": None, "until": args.end}  # a shadow may begin after the window's end
    return Statement(sql, parameters | rules | shadowed, "audits.traffic")


def read_audited_rows(session: StoreSession, statement: Statement) -> pa.Table:
    """Its rows. Raises TooMuch where one question would read more than it may: a part would mislead."""
    most = session.config.limits.audited_requests
    rows = session.rows(replace(statement, sql=f"{statement.sql}\nLIMIT {most + 1}"))
    if rows.num_rows > most:
        said = f"the window has more than {most:,} requests (limits.audited_requests)"
        raise TooMuch(f"{said}; take a narrower window, or one task_type")
    return rows


def float_column(table: pa.Table, name: str) -> Floats:
    """A column of numbers; NaN is unknown."""
    return np.asarray(table[name].cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def code_column(table: pa.Table, name: str) -> tuple[Ints, list[Any]]:
    """A column of words as numbers, and the words they stand for; unknown is the last word, None."""
    column = table[name].combine_chunks().dictionary_encode()
    words = [*column.dictionary.to_pylist(), None]
    numbers = column.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
    return np.asarray(numbers, dtype=np.int64), words


def _rules(config: Config) -> dict[str, Any]:
    """How answers are graded, and which lanes are large."""
    return {
        "evaluation": config.audit.grade_evaluation,
        "grade_labels": config.audit.grade_labels,
        "large": [name for name, lane in config.lanes.items() if lane.escalation],
    }


CONFIDENCE_BANDS = 10


def row_strata(table: pa.Table) -> Ints:
    """The stratum of each row, as numbers from 0: its task type, and a tenth of its confidence.

    Confidences of another kind are strata of their own, and so are rows without one; a scale that leaves 0 to 1 is cut
    at the deciles of its values.
    """
    kinds, names = code_column(table, "confidence_kind")
    confidence = float_column(table, "confidence")
    bands = np.full(len(confidence), CONFIDENCE_BANDS, dtype=np.int64)
    for kind in range(len(names)):
        of_kind = (kinds == kind) & np.isfinite(confidence)
        bands[of_kind] = _confidence_bands(confidence[of_kind])
    rows = (code_column(table, "task_type")[0] * len(names) + kinds) * (CONFIDENCE_BANDS + 1) + bands
    return np.asarray(np.unique(rows, return_inverse=True)[1], dtype=np.int64)


def stratified_weights(weights: Floats, cells: Ints, some: Flags, among: Flags) -> Floats:
    """The weights of `some` rows so that in each stratum they stand for all `among`; 0 for other rows."""
    n = int(cells.max(initial=0)) + 1
    whole = np.bincount(cells[among], weights[among], n)
    part = np.bincount(cells[some], weights[some], n)
    blown = np.divide(whole, part, out=np.zeros(n), where=part > 0)
    return np.where(some, weights * blown[cells], 0.0)


def in_covered_strata(cells: Ints, some: Flags) -> Flags:
    """Which rows lie in a stratum that has one of `some`."""
    found = np.zeros(int(cells.max(initial=0)) + 1, dtype=bool)
    found[cells[some]] = True
    return np.asarray(found[cells])


def _confidence_bands(confidence: Floats) -> Ints:
    """Tenths of the scale where it is 0 to 1, else of the values."""
    if not len(confidence):
        return np.zeros(0, dtype=np.int64)
    if confidence.min() >= 0 and confidence.max() <= 1:
        return np.clip(np.floor(confidence * CONFIDENCE_BANDS + 1e-9), 0, CONFIDENCE_BANDS - 1).astype(np.int64)
    deciles = np.quantile(confidence, np.arange(1, CONFIDENCE_BANDS) / CONFIDENCE_BANDS)
    return np.searchsorted(deciles, confidence, "right").astype(np.int64)
