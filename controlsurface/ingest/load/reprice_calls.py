"""Stored calls are priced anew on request, by the edition in force: set statements over whole requests, latest first.

Nothing but this changes what a stored call costs. Spans are not read: the calls keep what pricing needs.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from controlsurface.ingest.derive import MAX_SHADOW_DELAY, price_calls
from controlsurface.ingest.load.batch import BatchLoader
from controlsurface.ingest.translate.vocabulary_sql import sql_literal
from controlsurface.metrics.queries.event_query import ChangeEvent, insert_event
from controlsurface.money.price_resolver import drop_unused_editions
from controlsurface.store.duckdb import DuckStore, WriteTransaction

NEAR = timedelta(hours=1)  # how far a call is from its request at most, where it does not name the request's trace
REQUESTS_PER_STEP = 100_000  # requests of one transaction: a second or so, in which no batch is stored

_CHOSEN, _CHANGES, _RESTATE = (
    Path(__file__).with_name(name).read_text("utf-8")
    for name in ("reprice_calls.sql", "repriced_rows.sql", "restated_weeks.sql")
)
# What pricing writes into a call.
_MONEY = (
    "cost_usd cost_source cached_usd output_usd reasoning_usd cache_saving_usd batch_saving_usd context_window "
    "unpriced_parts provider_assumed currency cost_amount hardware"
).split()

_WAITING = 'SELECT asked_at, who, since, "until", dry_run, edition FROM repricing WHERE finished_at IS NULL'
# Calls of a release that did not keep which request they are of: the request's id says it.
_NAME_REQUESTS = """
UPDATE attempts SET
    request_span = requests.span_id,
    request_trace = CASE WHEN requests.trace_id <> attempts.trace_id
            OR attempts.started_at NOT BETWEEN requests.started_at - INTERVAL 1 HOUR
                AND requests.started_at + INTERVAL 1 HOUR
        THEN requests.trace_id END
FROM requests
WHERE attempts.request_span IS NULL AND attempts.request_id IS NOT NULL AND requests.request_id = attempts.request_id
    AND requests.started_at >= $low AND requests.started_at < $until
    AND attempts.started_at BETWEEN $first AND $last
"""
# From where on there are at most so many, or else the last ten seconds that have any: a sort of all would take longer.
_MOMENTS = """
WITH mine AS (
    SELECT started_at FROM requests WHERE started_at >= $since AND started_at < $until
    UNION ALL
    SELECT started_at FROM attempts WHERE started_at >= $since AND started_at < $until AND request_id IS NULL
),
counted AS (SELECT time_bucket(INTERVAL 10 SECONDS, started_at) AS bucket, count(*) AS n FROM mine GROUP BY bucket),
summed AS (SELECT bucket, sum(n) OVER latest AS n, row_number() OVER latest AS place FROM counted
    WINDOW latest AS (ORDER BY bucket DESC))
SELECT CASE WHEN count(*) > 0 THEN greatest(min(bucket), $since) END AS low FROM summed WHERE n <= $most OR place = 1
"""
_COUNT = """
SELECT
    p.model, count(*) AS calls,
    count(old.cost_usd) AS priced_before, count(p.cost_usd) AS priced_after,
    coalesce(sum(old.cost_usd), 0) AS usd_before, coalesce(sum(p.cost_usd), 0) AS usd_after,
    count(*) FILTER (p.cost_usd IS DISTINCT FROM old.cost_usd) AS changed
FROM priced AS p
JOIN attempts AS old
    ON old.span_id = p.span_id AND old.trace_id = p.trace_id AND old.started_at BETWEEN $first AND $last
    AND (old.started_at BETWEEN $near AND $far OR old.request_trace IS NOT NULL)
WHERE old.billable
GROUP BY p.model
"""
_ADD = """
MERGE INTO repriced_models AS known USING repriced AS found ON known.model IS NOT DISTINCT FROM found.model
WHEN MATCHED THEN UPDATE SET
    calls = known.calls + found.calls,
    priced_before = known.priced_before + found.priced_before, priced_after = known.priced_after + found.priced_after,
    usd_before = known.usd_before + found.usd_before, usd_after = known.usd_after + found.usd_after
WHEN NOT MATCHED THEN INSERT
    VALUES (found.model, found.calls, found.priced_before, found.priced_after, found.usd_before, found.usd_after)
"""
_DONE = """
UPDATE repricing SET
    "until" = $low, done = done + (SELECT count(*) FROM priced),
    changed = changed + (SELECT coalesce(sum(changed), 0) FROM repriced)
WHERE finished_at IS NULL
"""
_FINISHED = "UPDATE repricing SET finished_at = $now, problem = $problem WHERE finished_at IS NULL"
_OUTCOME = """
SELECT
    who, changed, dry_run, edition, (SELECT sum(usd_after - usd_before) FROM repriced_models) AS usd,
    (SELECT string_agg(week, ', ' ORDER BY week) FROM restatements WHERE "at" = asked_at) AS weeks
FROM repricing
"""


def repricing_pending(store: DuckStore) -> bool:
    """Whether somebody asked for it and it is not done."""
    return bool(store.state(_WAITING).num_rows)


def reprice_step(loader: BatchLoader, writing: WriteTransaction) -> bool:
    """Price the calls of as many requests as fit a transaction; False when nothing is left."""
    asked = writing.rows(_WAITING).to_pylist()
    if not asked:
        return False
    if asked[0]["edition"] != loader.prices.edition.fingerprint:
        _finish(writing, "the price file changed meanwhile; ask again")
        return False
    wanted = {"since": asked[0]["since"], "until": asked[0]["until"], "most": REQUESTS_PER_STEP}
    low = writing.rows(_MOMENTS, wanted)["low"][0].as_py()
    if low is None:
        _finish(writing, None)
        return False
    _reprice(loader, writing, low, asked[0])
    writing.execute(_DONE, {"low": low})
    return True


def abandon_repricing(store: DuckStore, problem: str) -> None:
    """End it, saying why: what was priced stays so."""
    with store.writing() as writing:
        _finish(writing, problem)


def _reprice(loader: BatchLoader, writing: WriteTransaction, low: datetime, order: Mapping[str, Any]) -> None:
    """The calls of requests that began from `low` to before the order's `until`; a dry run only counts."""
    until = order["until"]
    reach = max(loader.config.writer.trace_window, MAX_SHADOW_DELAY)
    texts = {
        "$set_money": ", ".join(f"{name} = priced.{name}" for name in _MONEY),
        "$edition": sql_literal(loader.prices.edition.fingerprint),
        **{name: _moment(at) for name, at in {"$low": low, "$until": until}.items()},
        **{name: _moment(at) for name, at in {"$first": low - reach, "$last": until + reach}.items()},
        **{name: _moment(at) for name, at in {"$near": low - NEAR, "$far": until + NEAR}.items()},
    }
    writing.execute(_filled(_NAME_REQUESTS, texts))
    writing.execute(_filled(_CHOSEN, texts))
    price_calls(writing, loader.prices)
    writing.materialize("repriced", _filled(_COUNT, texts))
    writing.execute(_ADD)
    if not order["dry_run"]:
        said = {"now": datetime.now(UTC), "asked": order["asked_at"], "edition": order["edition"], "who": order["who"]}
        restate = _filled(_RESTATE, {name: texts[name] for name in ("$first", "$last", "$near", "$far")})
        writing.execute(restate, said)
        writing.execute(_filled(_CHANGES, texts))


def _filled(sql: str, texts: dict[str, str]) -> str:
    for name, text in texts.items():
        sql = sql.replace(name, text)
    return sql


def _moment(at: datetime) -> str:
    return f"TIMESTAMP '{at.astimezone(UTC).replace(tzinfo=None)}'"


def _finish(writing: WriteTransaction, problem: str | None) -> None:
    now = datetime.now(UTC)
    writing.execute(_FINISHED, {"now": now, "problem": problem})
    found = writing.rows(_OUTCOME).to_pylist()[0]
    if found["changed"] and not found["dry_run"]:
        title = f"{found['changed']:,} calls repriced by {found['edition']}"
        restated = f"; restates {found['weeks']}" if found["weeks"] else ""
        detail = f"{found['usd'] or 0:+,.2f} USD, asked for by {found['who']}{restated}"
        event = ChangeEvent(at=now, kind="price", title=title, detail=detail, source="controlsurface")
        writing.execute(*insert_event(event))
        drop_unused_editions(writing)
