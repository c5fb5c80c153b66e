"""A trace's spans become requests and attempts: set statements over the touched traces, whatever came when.

The rules are in the numbered .sql files, run in order. They read the temporary tables `touched` (trace ids) and
`s` (all their spans), and replace the touched traces' rows of `requests` and `attempts`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from controlsurface.config import Config, LaneConfig
from controlsurface.ingest.cardinality.value_limits import CardinalityLimiter
from controlsurface.ingest.derive.architecture_labels import label_architectures
from controlsurface.ingest.translate.vocabulary_sql import sql_literal
from controlsurface.money.price_resolver import PriceResolver
from controlsurface.money.price_table import PRICE_ATTEMPTS_SQL, REQUEST_COSTS_SQL, PriceKey
from controlsurface.store.duckdb import WriteTransaction

_FILES = sorted(Path(__file__).parent.glob("*.sql"))
_STEPS = [path.read_text("utf-8") for path in _FILES]
_BEFORE_PRICES, _AFTER_PRICES, _REPLACE = _STEPS[:-2], _STEPS[-2], _STEPS[-1]

_SPANS = re.compile(r"\b(FROM|JOIN) s\b(?!\.)( AS \w+)?")

_FOUND = """
SELECT * EXCLUDE (around, span, content_hash, status_message) FROM spans
WHERE trace_id IN (SELECT trace_id FROM touched) AND started_at
"""
# Spans that the touched traces have in the store; the batch itself is not in there yet.
_OLDER = f"{_FOUND} BETWEEN $low AND $high"
_REACH = """
SELECT greatest(least($low, min(started_at)), frozen_before()) AS low, greatest($high, max(started_at)) AS high
FROM older
"""
# Shadow calls are looked for from an hour before the requests that they answer again to a week after: clocks differ.
MAX_SHADOW_LEAD, MAX_SHADOW_DELAY = timedelta(hours=1), timedelta(days=7)
_SHADOWS = "SELECT count(*) AS n FROM s WHERE shadow_of IS NOT NULL"
_SHADOWED = """
SELECT trace_id, started_at FROM spans
WHERE started_at BETWEEN $low AND $high AND trace_id NOT IN (SELECT trace_id FROM touched) AND (
    request_id IN (SELECT shadow_of FROM s WHERE shadow_of IS NOT NULL)
    OR trace_id IN (
        SELECT TRY_CAST(left(shadow_of, 32) AS UUID) FROM s WHERE TRY_CAST(left(shadow_of, 32) AS UUID) IS NOT NULL
    )
)
"""
_SHADOWING = """
WITH shadows AS (
    SELECT trace_id, started_at, shadow_of FROM spans
    WHERE started_at BETWEEN $low AND $high AND shadow_of IS NOT NULL
)
SELECT trace_id, started_at FROM shadows
WHERE trace_id NOT IN (SELECT trace_id FROM touched) AND (
    shadow_of IN (SELECT request_id FROM s WHERE request_id IS NOT NULL)
    OR TRY_CAST(left(shadow_of, 32) AS UUID) IN (SELECT trace_id FROM touched)
)
"""
_MET = "SELECT min(started_at) AS low, max(started_at) AS high FROM met"
_TOUCH = "INSERT INTO touched SELECT DISTINCT trace_id FROM met"
# What lies further away still belongs to requests that begin within reach.
_AROUND = f"""
INSERT INTO older
{_FOUND} >= $first AND started_at < $before
UNION ALL
{_FOUND} > $after AND started_at <= $last
"""
_ALL = """
SELECT * EXCLUDE (around, span, content_hash, status_message) FROM batch UNION ALL BY NAME SELECT * FROM older
"""
# Traces that share a link with a touched one are touched too.
_LINKED = """
INSERT INTO touched
SELECT DISTINCT trace_id FROM spans
WHERE link_id IN (SELECT link_id FROM s WHERE link_id IS NOT NULL)
    AND started_at BETWEEN $low AND $high
    AND trace_id NOT IN (SELECT trace_id FROM touched)
"""
_GATES = """
SELECT trace_id, span_id, bool_and(lower(label) IN ('pass', 'passed', 'true', 'yes')) AS passed
FROM evaluations
WHERE trace_id IN (SELECT trace_id FROM touched)
    AND lower(label) IN ('pass', 'passed', 'true', 'yes', 'fail', 'failed', 'false', 'no')
GROUP BY trace_id, span_id
"""
# A call that is derived again keeps its prices; of a release that kept no editions, it has those of the first.
_PRICED_BEFORE = """
SELECT trace_id, span_id, coalesce(price_edition, (SELECT arg_min(edition, since) FROM price_editions)) AS edition
FROM attempts
WHERE $seen_before AND started_at BETWEEN $low AND $high AND trace_id IN (SELECT trace_id FROM touched)
"""
# Models and service tiers that were not met before.
_UNPRICED = """
SELECT provider, model_raw, service_tier, price_edition FROM new_attempts AS met
WHERE model_raw IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM prices
    WHERE prices.model = met.model_raw AND prices.provider IS NOT DISTINCT FROM met.provider
        AND prices.service_tier IS NOT DISTINCT FROM met.service_tier AND prices.edition = met.price_edition
)
GROUP BY ALL ORDER BY count(*) DESC, provider, model_raw, service_tier, price_edition
"""
_NO_GLOBS = "WHEN FALSE THEN ''"


def lane_macros(lanes: dict[str, LaneConfig], assumed: Mapping[str, str] | None = None) -> dict[str, str]:
    """The lanes as SQL: lane_of_name, lane_of_word, escalates; assumed_lane_of_name where the configuration names none.

    `assumed` is the lane of each model by its name; None: the configuration says which models form a lane.
    """
    listed = {name: _any_glob(lane.models) for name, lane in lanes.items() if lane.models}
    globs = " ".join(f"WHEN {condition} THEN {sql_literal(name)}" for name, condition in listed.items())
    words = {word.lower(): name for name, lane in reversed(lanes.items()) for word in (*lane.aliases, name)}
    said = " ".join(f"WHEN {sql_literal(word)} THEN {sql_literal(name)}" for word, name in words.items())
    guesses = {"": "", **(assumed or {})}
    guessed = " ".join(f"WHEN {sql_literal(name)} THEN {sql_literal(lane)}" for name, lane in guesses.items())
    kinds = {**{name: lane.escalation for name, lane in lanes.items()}, "cache": False}
    known = " ".join(f"WHEN {sql_literal(name)} THEN {str(escalates).upper()}" for name, escalates in kinds.items())
    return {
        "lane_of_name(name)": f"CASE {globs or _NO_GLOBS} END",
        "lane_of_word(word)": f"CASE lower(word) {said} ELSE lower(word) END",
        "escalates(lane)": f"CASE lane {known} END",
        "lanes_are_assumed()": str(assumed is not None).upper(),
        "assumed_lane_of_name(name)": f"CASE name {guessed} END",
    }


def _any_glob(globs: Iterable[str]) -> str:
    return "(" + " OR ".join(f"name GLOB {sql_literal(glob.lower())}" for glob in globs) + ")"


@dataclass(frozen=True, slots=True)
class AffectedTimeRange:
    """From the first to the last start of rows that may change, UTC without a zone."""

    low: datetime
    high: datetime


def gather_spans(writing: WriteTransaction, low: datetime, high: datetime, window: timedelta) -> AffectedTimeRange:
    """Make `s` all spans of the touched traces and of those linked to them: `batch` and, from the store, `older`.

    Stored spans are looked for within `window` of the batch's `low` and `high`, and within it of requests and shadow
    calls that answer them again. Those found say how far rows may change, and are joined by what lies within `window`
    of them: a row that changes is derived from all its spans, where they are no further apart than that, and a trace
    that never ends costs no more than its last hours.
    """
    bounds = {"low": low - window, "high": high + window}
    while True:
        writing.materialize("older", _OLDER, bounds)
        writing.define_view("s", _ALL)
        before = _count(writing, "touched")
        writing.execute(_LINKED, bounds)
        bounds = _shadowed(writing, bounds, window)
        if _count(writing, "touched") == before:
            break
    reach = AffectedTimeRange(**writing.rows(_REACH, {"low": low, "high": high}).to_pylist()[0])
    if reach != AffectedTimeRange(low, high):
        around = {"first": reach.low - window, "before": bounds["low"], "after": bounds["high"]}
        writing.execute(_AROUND, around | {"last": reach.high + window})
    return reach


def _shadowed(writing: WriteTransaction, bounds: dict[str, datetime], window: timedelta) -> dict[str, datetime]:
    """Touch the traces of requests that shadow calls answer again, and of such calls; bounds that hold these, too."""
    low, high = bounds["low"], bounds["high"]
    asked = [(_SHADOWING, {"low": low - MAX_SHADOW_LEAD, "high": high + MAX_SHADOW_DELAY})]
    if writing.rows(_SHADOWS)["n"][0].as_py():
        asked.append((_SHADOWED, {"low": low - MAX_SHADOW_DELAY, "high": high + MAX_SHADOW_LEAD}))
    for sql, within in asked:
        writing.materialize("met", sql, within)
        met = writing.rows(_MET).to_pylist()[0]
        if met["low"] is not None:
            writing.execute(_TOUCH)
            low, high = min(low, met["low"] - window), max(high, met["high"] + window)
    return {"low": low, "high": high}


def derive_requests(
    writing: WriteTransaction, config: Config, prices: PriceResolver, reach: AffectedTimeRange, seen_before: bool
) -> None:
    """Replace requests and attempts of the touched traces within `reach`, and leave those of frozen buckets alone.

    `seen_before`: some of the traces may have rows already.
    """
    writing.materialize("gate", _GATES)
    straight = not _count(writing, "older")
    seen, edition = str(seen_before).upper(), sql_literal(prices.edition.fingerprint)
    writing.materialize("priced_before", _within(_PRICED_BEFORE, reach).replace("$seen_before", seen))
    for step in _BEFORE_PRICES:
        writing.execute(_read_from(step.replace("$edition", edition), straight))
    price_calls(writing, prices)
    writing.execute(_AFTER_PRICES)
    limiter = CardinalityLimiter(config.limits, lambda sql: _within(sql, reach))
    over = limiter.admit(writing, lambda sql: _read_from(sql, straight))
    label_architectures(writing, config.architectures)
    replace = _within(_REPLACE, reach).replace("$seen_before", seen)
    writing.execute(_read_from(replace, straight))
    limiter.settle(writing, over)


def price_calls(writing: WriteTransaction, prices: PriceResolver) -> None:
    """Make `priced` of the calls in `new_attempts`, each by the edition that it is marked with, and `request_costs`."""
    insert_prices(writing, prices.of(PriceKey(*call.values()) for call in writing.rows(_UNPRICED).to_pylist()))
    writing.materialize("priced", PRICE_ATTEMPTS_SQL)
    writing.materialize("request_costs", REQUEST_COSTS_SQL)


def rerun_evidence_step(writing: WriteTransaction) -> None:
    """That step alone, once more over the batch `derive_requests` saw last and whose traces nothing was known of."""
    step = next(sql for path, sql in zip(_FILES, _STEPS, strict=True) if path.stem.endswith("_evidence"))
    writing.execute(_read_from(step, straight=True))


def _read_from(sql: str, straight: bool) -> str:
    """The statements over `s`, or straight over `batch` where nothing else is known of its traces.

    To plan a view of ninety columns takes two milliseconds each time that a statement names it.
    """
    return _SPANS.sub(lambda found: f"{found[1]} batch{found[2] or ' AS s'}", sql) if straight else sql


def _within(sql: str, reach: AffectedTimeRange) -> str:
    """The statements with the times in them: parameters are for one statement alone, and a query prunes nothing."""
    return sql.replace("$low", f"TIMESTAMP '{reach.low}'").replace("$high", f"TIMESTAMP '{reach.high}'")


def insert_prices(writing: WriteTransaction, rows: pa.Table) -> None:
    """Add rows to the prices of the models met."""
    if rows.num_rows:
        writing.attach("found_prices", rows)
        writing.execute("INSERT INTO prices BY NAME SELECT * FROM found_prices")


def _count(writing: WriteTransaction, table: str) -> int:
    return int(writing.rows(f"SELECT count(*) AS n FROM {table}")["n"][0].as_py())
