"""Roll-ups follow the stored rows: buckets that were marked and are over are computed again, in set operations."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter

import pyarrow as pa

from controlsurface.errors import Abandoned, StoreError, TooMuch
from controlsurface.metrics.rollups import rollup_catalog
from controlsurface.metrics.rollups.rollup_catalog import MAX_GROUPS, ROLLUPS, SHORT_STEP, Rollup, rollup_select
from controlsurface.store.duckdb import DuckStore, WriteTransaction

log = logging.getLogger("controlsurface.rolling")

BUCKET_GRACE = timedelta(seconds=30)  # after a bucket's end, for those who come a little late
POLL_INTERVAL_S = 2.0  # between looks
INTERRUPT_INTERVAL_S = 0.05  # until a statement under way has ended
REQUESTS_PER_TRANSACTION = 500_000  # requests of one transaction, where a day has fewer: memory is bounded
HOURS_PER_DAY = 24  # of a day
MIN_BUCKET_REQUESTS = 1_000  # requests of five minutes, under which those are read themselves: it is as quick
MAX_CPU_SHARE = 0.05  # of one core's time, at most, however many rows come late

_COLUMN_TYPES: dict[str, Mapping[str, str]] = {}  # by a roll-up's query: to plan one takes ten milliseconds

COMPARATORS_COLUMN = "comparators"  # among the columns known: how answers are compared
_SOURCES = {"requests": "requests", "attempts": "attempts", "comparisons": "compared($low, $high)"}

# The newest days first: that is what people look at.
_TAKE = """
WITH closed AS (
    SELECT DISTINCT step_s, bucket FROM rollup_dirty WHERE bucket + to_seconds(step_s) <= $before
)
SELECT step_s, bucket FROM closed
WHERE bucket >= (SELECT max(date_trunc('{unit}', bucket)) FROM closed) - to_days($days - 1)
"""
_BOUNDS = """
SELECT min(bucket) AS low, max(bucket + to_seconds(step_s)) AS high, count(*) AS taken,
    count(*) FILTER (WHERE step_s = 3600) AS hours
FROM taken
"""
# All the short buckets of which rows are read, and the bucket that their rows are summed in first: those taken that
# are worth it by themselves, and those of the hours taken.
_COVER = """
WITH short AS (
    SELECT time_bucket(INTERVAL 5 MINUTES, started_at) AS bucket, count(*) >= $dense AS dense
    FROM requests
    WHERE started_at >= $low AND started_at < $high
    GROUP BY bucket
),
read AS (
    SELECT bucket, FALSE AS whole FROM taken WHERE step_s = 300
    UNION
    SELECT unnest(range(bucket, bucket + INTERVAL 1 HOUR, INTERVAL 5 MINUTES)), TRUE FROM taken WHERE step_s = 3600
)
SELECT
    bucket, bool_or(coalesce(dense, FALSE)) AS dense,
    CASE WHEN bool_or(dense) THEN bucket ELSE time_bucket(INTERVAL 1 HOUR, bucket) END AS first_in
FROM read LEFT JOIN short USING (bucket)
GROUP BY bucket
HAVING bool_or(whole) OR bool_or(dense)
"""
_WEIGHTED = """
SELECT 1 FROM requests WHERE started_at >= $low AND started_at < $high AND sample_weight <> 1
UNION ALL SELECT 1 FROM attempts WHERE started_at >= $low AND started_at < $high AND sample_weight <> 1
LIMIT 1
"""
_SETTLE = """
DELETE FROM rollup_dirty WHERE (step_s, bucket) IN (FROM taken);
DELETE FROM rolled WHERE (step_s, bucket) IN (FROM taken);
"""
_NOTE = """
INSERT INTO rolled
WITH short AS (
    SELECT bucket, sum(n_rows) AS requests, 0 AS attempts FROM requests_between GROUP BY bucket
    UNION ALL
    SELECT bucket, 0, sum(n_rows) FROM attempts_between GROUP BY bucket
),
counted AS (
    SELECT 300 AS step_s, bucket, requests, attempts FROM short
    WHERE bucket IN (SELECT bucket FROM covered WHERE dense)
    UNION ALL
    SELECT 3600, time_bucket(INTERVAL 1 HOUR, bucket), requests, attempts FROM short
)
SELECT taken.step_s, taken.bucket, CAST(now() AS TIMESTAMP), coalesce(sum(requests), 0), coalesce(sum(attempts), 0)
FROM taken LEFT JOIN counted ON counted.step_s = taken.step_s AND counted.bucket = taken.bucket
GROUP BY taken.step_s, taken.bucket
"""
_MARK_ALL = """
WITH changed AS (
    SELECT DISTINCT time_bucket(INTERVAL 5 MINUTES, started_at) AS bucket
    FROM (SELECT started_at FROM requests UNION ALL SELECT started_at FROM attempts)
    WHERE started_at IS NOT NULL
)
INSERT INTO rollup_dirty
SELECT 300, bucket FROM changed UNION SELECT 3600, time_bucket(INTERVAL 1 HOUR, bucket) FROM changed
"""


def install_rollups(store: DuckStore) -> None:
    """Make the tables that the catalogue asks for; where one changed, everything is marked to be rolled up again.

    A table that lacks columns gains them: what was rolled up of rows that are gone stays, with the new ones unknown.
    """
    with store.writing() as writing:
        rows = writing.rows("SELECT rollup, list(name) AS names FROM rollup_columns GROUP BY rollup").to_pylist()
        known = {row["rollup"]: set(row["names"]) for row in rows}
        lacking = {rollup: names for rollup in ROLLUPS.values() if (names := _lacking(rollup, known))}
        for rollup, names in lacking.items():
            _make(writing, rollup, names, is_new=rollup.name not in known)
        judged_otherwise = _judged_otherwise(writing, known.get(COMPARATORS_COLUMN, set()))
        if lacking:
            _know(writing, {rollup.name: rollup_catalog.rollup_column_names(rollup) for rollup in lacking})
            writing.execute(_MARK_ALL)
        elif judged_otherwise:
            _judge_again(writing)


def _lacking(rollup: Rollup, known: Mapping[str, set[str]]) -> list[str]:
    """The columns that the table has not."""
    return [
        name for name in rollup_catalog.rollup_column_names(rollup) if name not in known.get(rollup.name, frozenset())
    ]


def _make(writing: WriteTransaction, rollup: Rollup, lacking: list[str], is_new: bool) -> None:
    """The table, or the columns that it lacks."""
    empty = rollup_select(rollup, f"(SELECT *, started_at AS bucket FROM {rollup.source} LIMIT 0)")
    types = _COLUMN_TYPES.get(empty)
    if not is_new:
        types = types or writing.types(empty)
        for name in lacking:
            writing.execute(f"ALTER TABLE {rollup.name} ADD COLUMN {name} {types[name]}")
    elif types:
        columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
        writing.execute(f"CREATE TABLE {rollup.name} ({columns})")
    else:
        writing.execute(f"CREATE TABLE {rollup.name} AS {empty}")
        _COLUMN_TYPES[empty] = writing.types(rollup.name)


def _judged_otherwise(writing: WriteTransaction, known: set[str]) -> bool:
    """Whether answers are compared in another way than when they were rolled up."""
    way = str(writing.rows("SELECT md5(list(c ORDER BY task_type)::VARCHAR) AS way FROM comparators AS c")["way"][0])
    if {way} != known:
        _know(writing, {COMPARATORS_COLUMN: [way]})
    return {way} != known


def _judge_again(writing: WriteTransaction) -> None:
    """Comparisons anew, of all stored rows that may still change; no other figure rests on how answers are compared."""
    since = "(SELECT date_trunc('hour', frozen_before() + INTERVAL 1 HOUR - INTERVAL 1 MICROSECOND))"
    for rollup in (each for each in ROLLUPS.values() if each.source == "comparisons"):
        bucket = f"time_bucket(INTERVAL '{rollup.step_s} seconds', started_at)"
        rows = f"(SELECT *, {bucket} AS bucket FROM compared({since}, NULL::TIMESTAMP))"
        left_out = f"SELECT bucket FROM rollup_skipped WHERE rollup = '{rollup.name}'"
        writing.execute(f"DELETE FROM {rollup.name} WHERE bucket >= {since}")
        writing.execute(f"INSERT INTO {rollup.name} BY NAME\n{rollup_select(rollup, rows)}")
        writing.execute(f"DELETE FROM {rollup.name} WHERE bucket IN ({left_out})")


def _know(writing: WriteTransaction, columns: Mapping[str, list[str]]) -> None:
    """Note the columns of tables."""
    pairs = [(rollup, name) for rollup, names in columns.items() for name in names]
    writing.attach("noted", pa.table({"rollup": [each for each, _ in pairs], "name": [each for _, each in pairs]}))
    writing.execute("DELETE FROM rollup_columns WHERE rollup IN (SELECT rollup FROM noted)")
    writing.execute("INSERT INTO rollup_columns BY NAME SELECT * FROM noted")


def compute_rollups(store: DuckStore, now: datetime | None = None, days: int = 1) -> int:
    """Compute the marked buckets of some days that were over before `now`; how many. Nothing is lost by a crash.

    A bucket that changes meanwhile is marked again by whoever changes it, and that mark stays. Where every request has
    values of its own, sums of a day may not fit into the memory: then they are made hour by hour, and an hour that
    does not fit either is left to its rows.
    """
    before = now or datetime.now(UTC) - BUCKET_GRACE
    try:
        return _rolled(store, _TAKE.format(unit="day"), {"before": before, "days": days})
    except TooMuch as problem:
        why = "roll-ups of a day need more memory than limits.query_memory, so they are made by the hour"
        log.warning("%s: %s", why, problem)
    return sum(_newest_hour(store, before) for _ in range(HOURS_PER_DAY * days))


def _newest_hour(store: DuckStore, before: datetime) -> int:
    """Compute the marked buckets of one hour; how many."""
    chosen = _TAKE.format(unit="hour"), {"before": before, "days": 1}
    try:
        return _rolled(store, *chosen)
    except TooMuch as problem:
        why = "roll-ups of an hour need more memory than limits.query_memory, so it is read from rows"
        log.warning("%s: %s", why, problem)
    return _left_to_rows(store, *chosen)


def _left_to_rows(store: DuckStore, take: str, values: Mapping[str, object]) -> int:
    """Read the marked buckets from their rows from now on; how many."""
    with store.beside() as writing:
        writing.materialize("taken", take, values)
        writing.execute(_SETTLE)
        for rollup in ROLLUPS.values():
            chosen = f"SELECT bucket FROM taken WHERE step_s = {rollup.step_s}"
            for table, only in ((rollup.name, ""), ("rollup_skipped", f"rollup = '{rollup.name}' AND ")):
                writing.execute(f"DELETE FROM {table} WHERE {only}bucket IN ({chosen})")
            writing.execute(f"INSERT INTO rollup_skipped SELECT '{rollup.name}', bucket FROM ({chosen})")
        return int(writing.rows(_BOUNDS)["taken"][0].as_py())


def _rolled(store: DuckStore, take: str, values: Mapping[str, object]) -> int:
    """Compute the buckets that `take` chooses. Raises TooMuch, and then changes nothing."""
    with store.beside() as writing:
        writing.materialize("taken", take, values)
        found = writing.rows(_BOUNDS).to_pylist()[0]
        if found["taken"]:
            bounds = {"low": found["low"], "high": found["high"]}
            writing.materialize("covered", _COVER, bounds | {"dense": MIN_BUCKET_REQUESTS})
            plain = writing.rows(_WEIGHTED, bounds).num_rows == 0
            writing.execute(_SETTLE)
            _refresh_all(writing, _Part(bounds, plain, hours=found["hours"] > 0))
        return int(found["taken"])


@dataclass(frozen=True, slots=True)
class _Part:
    """What one transaction takes: from when to when, whether all rows count once, and whether there are whole hours."""

    bounds: dict[str, datetime]
    plain: bool
    hours: bool


def _refresh_all(writing: WriteTransaction, part: _Part) -> None:
    """The taken buckets of all roll-ups, anew."""
    for between in rollup_catalog.INTERMEDIATE_ROLLUPS.values():
        rows = _FIRST.format(source=between.source)
        writing.materialize(between.name, rollup_select(between, rows, plain=part.plain), part.bounds)
    writing.execute(_NOTE)
    for rollup in sorted(ROLLUPS.values(), key=lambda each: each.of in ROLLUPS):  # those that others are of, first
        if part.hours or rollup.step == SHORT_STEP:
            _refresh(writing, rollup, part)
    for name in rollup_catalog.INTERMEDIATE_ROLLUPS:
        writing.execute(f"DROP TABLE {name}")


# Stored rows of the covered buckets, with the bucket that they are summed in first.
_FIRST = """(SELECT r.*, covered.first_in AS bucket FROM {source} AS r
    JOIN covered ON covered.bucket = time_bucket(INTERVAL 5 MINUTES, r.started_at)
    WHERE r.started_at >= $low AND r.started_at < $high)"""


def _rows(rollup: Rollup, chosen: str) -> str:
    """Stored rows of the chosen buckets, with their bucket."""
    bucket = f"time_bucket(INTERVAL '{rollup.step_s} seconds', started_at)"
    return (
        f"(SELECT *, {bucket} AS bucket FROM {_SOURCES[rollup.source]}\n"
        f"    WHERE started_at >= $low AND started_at < $high AND {bucket} IN ({chosen}))"
    )


def _refresh(writing: WriteTransaction, rollup: Rollup, part: _Part) -> None:
    """The taken buckets of one roll-up, anew."""
    chosen = f"SELECT bucket FROM taken WHERE step_s = {rollup.step_s}"
    writing.execute(f"DELETE FROM {rollup.name} WHERE bucket IN ({chosen})")
    insert = f"INSERT INTO {rollup.name} BY NAME\n"
    if rollup.of:
        bucket = f"time_bucket(INTERVAL '{rollup.step_s} seconds', bucket)"
        dense = " AND bucket IN (SELECT bucket FROM covered WHERE dense)" if rollup.step == SHORT_STEP else ""
        rows = f"(SELECT * REPLACE ({bucket} AS bucket) FROM {rollup.of} WHERE {bucket} IN ({chosen}){dense})"
        writing.execute(insert + rollup_catalog.resummed_select(rollup, rows))
    else:
        sql = rollup_select(rollup, _rows(rollup, chosen), plain=part.plain)
        writing.execute(insert + sql, part.bounds)
    if rollup.spread is None:
        _skip(writing, rollup, chosen)


def _skip(writing: WriteTransaction, rollup: Rollup, chosen: str) -> None:
    """Leave out buckets that are no smaller rolled up, and short ones of few rows."""
    mine = {"rollup": rollup.name}
    writing.execute(f"DELETE FROM rollup_skipped WHERE rollup = $rollup AND bucket IN ({chosen})", mine)
    large = f"FROM {rollup.name} WHERE bucket IN ({chosen}) GROUP BY bucket HAVING count(*) > {MAX_GROUPS}"
    writing.execute(f"INSERT INTO rollup_skipped SELECT $rollup, bucket {large}", mine)
    skipped = f"SELECT bucket FROM rollup_skipped WHERE rollup = $rollup AND bucket IN ({chosen})"
    writing.execute(f"DELETE FROM {rollup.name} WHERE bucket IN ({skipped})", mine)
    if rollup.step == SHORT_STEP:
        sparse = f"{chosen} AND bucket NOT IN (SELECT bucket FROM covered WHERE dense)"
        writing.execute(f"INSERT INTO rollup_skipped SELECT $rollup, bucket FROM ({sparse})", mine)


class RollupWorker:
    """The thread that rolls up."""

    def __init__(self, store: DuckStore) -> None:
        self._store = store
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="roller", daemon=True)

    def start(self) -> None:
        """Make the tables, then follow the marks."""
        install_rollups(self._store)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what is under way is rolled back, and what is marked stays so."""
        self._stop.set()
        while self._thread.is_alive():
            self._store.interrupt_beside()  # again, for it may have been between two statements
            self._thread.join(INTERRUPT_INTERVAL_S)

    def _run(self) -> None:
        pause_s = POLL_INTERVAL_S
        while not self._stop.wait(pause_s):
            began, done = perf_counter(), 0
            try:
                done = compute_rollups(self._store)
            except StoreError:
                log.exception("roll-ups could not be written; trying again")
            except Abandoned:
                log.info("roll-ups under way were stopped: they are made after the next start")
            pause_s = max(POLL_INTERVAL_S, (perf_counter() - began) / MAX_CPU_SHARE) if done else POLL_INTERVAL_S


def rebuild_rollups(store: DuckStore) -> int:
    """All roll-ups anew from the stored rows, open buckets included; how many buckets."""
    install_rollups(store)
    with store.writing() as writing:
        writing.execute(_MARK_ALL)
    total, days = 0, _days_at_once(store)
    while done := compute_rollups(store, datetime.max.replace(tzinfo=UTC), days):
        total += done
    return total


def _days_at_once(store: DuckStore) -> int:
    """As many days as make REQUESTS_PER_TRANSACTION requests or so."""
    sql = "SELECT count(*) AS n, epoch(max(started_at)) - epoch(min(started_at)) AS length_s FROM requests"
    found = store.state(sql).to_pylist()[0]
    return max(1, int((found["length_s"] or 0) / 86_400 * REQUESTS_PER_TRANSACTION / max(1, found["n"])))
