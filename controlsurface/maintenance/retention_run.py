"""What is too old goes, an hour of it at a time, and no row before the roll-ups that stand for it are made.

Everything is done in small transactions beside the writer's, each of which leaves the store as a whole: a crash between
two of them costs nothing but time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby

from controlsurface.config import Config
from controlsurface.maintenance.rollup_worker import COMPARATORS_COLUMN
from controlsurface.metrics.rollups.rollup_catalog import ROLLUPS, SHORT_STEP, Rollup, rollup_select
from controlsurface.store import retention_terms
from controlsurface.store.duckdb import DuckStore, WriteTransaction
from controlsurface.store.retention_terms import OTHER_TERMS, ROLLED_TERMS, SPANS_TERM, RetentionCuts, RetentionTerm

_BEGINNING = datetime(1, 1, 1)  # noqa: DTZ001 - UTC without a zone, as the store has it
ROWS_PER_TRANSACTION = 200_000  # rows of one transaction, where an hour has fewer
HOUR = timedelta(hours=1)

# Hours with rows before the cut, and whether the roll-ups of each are those of its rows.
_ROLLED_HOURS = """
WITH stored AS (
    SELECT time_bucket(INTERVAL 1 HOUR, started_at) AS hour, count(*) AS requests, 0 AS attempts
    FROM requests WHERE started_at < $before GROUP BY hour
    UNION ALL
    SELECT time_bucket(INTERVAL 1 HOUR, started_at), 0, count(*) FROM attempts WHERE started_at < $before GROUP BY 1
),
marked AS (SELECT DISTINCT time_bucket(INTERVAL 1 HOUR, bucket) AS hour FROM rollup_dirty WHERE bucket < $before)
SELECT
    stored.hour,
    CAST(sum(stored.requests) + sum(stored.attempts) AS BIGINT) AS rows,
    stored.hour IN (FROM marked) AS waits,
    coalesce(sum(stored.requests) <> max(rolled.requests) OR sum(stored.attempts) <> max(rolled.attempts), TRUE)
        AS differs
FROM stored LEFT JOIN rolled ON rolled.step_s = 3600 AND rolled.bucket = stored.hour
GROUP BY stored.hour ORDER BY stored.hour
"""
_HOURS = """
SELECT time_bucket(INTERVAL 1 HOUR, {0.column}) AS hour, count(*) AS rows
FROM {0.table} WHERE {0.column} < $before AND {0.only} GROUP BY hour ORDER BY hour
"""
_MARK = """
INSERT INTO rollup_dirty
SELECT 3600, unnest($hours) UNION ALL
SELECT 300, unnest(range(hour, hour + INTERVAL 1 HOUR, INTERVAL 5 MINUTES)) FROM (SELECT unnest($hours) AS hour)
"""
_FORGET = "DELETE FROM retained WHERE kind = $kind"
_REMEMBER = "INSERT INTO retained VALUES ($kind, $before)"
_GONE = "SELECT max(gone_before) AS gone_before FROM retained WHERE kind = $kind"
_NOTE = "INSERT INTO retention_runs VALUES ($ran_at, $table, $removed, $before)"
_SKIPPED = "SELECT DISTINCT rollup FROM rollup_skipped WHERE bucket < $before"


@dataclass(frozen=True, slots=True)
class RemovedRows:
    """How many rows of a table went, and before when nothing is left there (UTC without a zone)."""

    table: str
    rows: int
    gone_before: datetime


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """What a run came to. `waiting` is how many hours of rows are too old, and whose roll-ups are not made yet."""

    ran_at: datetime
    removed: Sequence[RemovedRows]
    waiting: int

    @property
    def problem(self) -> str | None:
        """Why something that is too old is still there."""
        return f"{self.waiting} hours wait for their roll-ups" if self.waiting else None


@dataclass(frozen=True, slots=True)
class RetentionRun:
    """One run: `between` is called between transactions, and True from it ends the run early."""

    store: DuckStore
    config: Config
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    between: Callable[[], bool] = bool

    def run(self) -> RetentionReport:
        """Remove what is too old by the configuration in force."""
        cut = retention_terms.retention_cuts(self.config.retention, self.now, self.config.writer.trace_window)
        waiting, removed = 0, []
        if self._too_old(cut):
            with self.store.writing() as writing:  # from here on no batch changes rows before this time
                _remember(writing, "frozen", cut.frozen)
            first, waiting = self._settled(cut.before["requests"])
            removed += [*self._rolled_rows(first), *self._slowly((SPANS_TERM,), cut.before["spans"])]
        removed += self._rollups(cut)
        for term in OTHER_TERMS:
            removed += self._slowly((term,), cut.before[term.kind])
        report = RetentionReport(self.now, [each for each in removed if each.rows], waiting)
        self._note(report)
        return report

    def _too_old(self, cut: RetentionCuts) -> bool:
        """Whether any row is that nothing may change any more once it is gone."""
        sql = "SELECT 1 FROM {0.table} WHERE {0.column} < $before LIMIT 1"
        terms = (SPANS_TERM, *ROLLED_TERMS)
        return any(self.store.state(sql.format(each), {"before": cut.before[each.kind]}).num_rows for each in terms)

    def _settled(self, before: datetime) -> tuple[datetime, int]:
        """Up to when everything is rolled up as it is now, and how many hours are not: they have marks from here on."""
        rows = self.store.state(_ROLLED_HOURS, {"before": before}).to_pylist()
        unknown = [row["hour"] for row in rows if row["differs"] and not row["waits"]]
        if unknown:
            with self.store.writing() as writing:
                writing.execute(_MARK, {"hours": unknown})
        waiting = [row["hour"] for row in rows if row["waits"] or row["differs"]]
        return min([before, *waiting]), len(waiting)

    def _rolled_rows(self, first: datetime) -> Iterator[RemovedRows]:
        """Requests and attempts before a time, then the roll-ups that go with them."""
        self._fill(first)
        yield from self._slowly(ROLLED_TERMS, first)
        gone = self._gone("requests")
        if gone is not None:
            yield from self._drop([each for each in ROLLUPS.values() if each.step == SHORT_STEP], gone)

    def _fill(self, before: datetime) -> None:
        """Buckets that were left to stored rows, since they are no smaller rolled up, are rolled up all the same."""
        for row in self.store.state(_SKIPPED, {"before": before}).to_pylist():
            rollup = ROLLUPS.get(row["rollup"])
            with self.store.beside() as writing:
                bounds = {"rollup": row["rollup"], "before": before}
                if rollup and rollup.step != SHORT_STEP:  # short buckets go with their rows
                    rows = rollup_select(rollup, _left_out(rollup))
                    writing.execute(f"INSERT INTO {rollup.name} BY NAME\n{rows}", bounds)
                writing.execute("DELETE FROM rollup_skipped WHERE rollup = $rollup AND bucket < $before", bounds)

    def _slowly(self, terms: Sequence[RetentionTerm], before: datetime) -> list[RemovedRows]:
        """The rows of tables of one kind, some hours at a time."""
        removed = dict.fromkeys((term.table for term in terms), 0)
        for low, high in self._slices(terms, before):
            with self.store.beside() as writing:
                for term in terms:
                    removed[term.table] += _delete(writing, term, low, high)
                _remember(writing, terms[0].table, high)
            if self.between():
                break
        gone = self._gone(terms[0].table) or before
        return [RemovedRows(table, rows, gone) for table, rows in removed.items()]

    def _slices(self, terms: Sequence[RetentionTerm], before: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Whole hours, as many at once as have ROWS_PER_TRANSACTION rows or so; the last one ends at `before`."""
        sql = " UNION ALL ".join(f"({_HOURS.format(term)})" for term in terms)
        counted = f"SELECT hour, sum(rows) AS rows FROM ({sql}) GROUP BY hour ORDER BY hour"
        found = self.store.state(counted, {"before": before}).to_pylist()
        total, numbered = 0, []
        for row in found:
            numbered.append((total // ROWS_PER_TRANSACTION, row["hour"]))
            total += int(row["rows"])
        groups = [[hour for _, hour in group] for _, group in groupby(numbered, key=lambda each: each[0])]
        ends = [*(group[0] for group in groups[1:]), before]
        yield from zip((group[0] for group in groups), ends, strict=True) if groups else ()

    def _rollups(self, cut: RetentionCuts) -> list[RemovedRows]:
        """Hourly roll-ups that are too old, where no row is left of which they were made."""
        gone = self._gone("requests")
        if gone is None:
            return []
        before = min(gone, cut.before["rollups"])
        return self._drop([each for each in ROLLUPS.values() if each.step != SHORT_STEP], before, "rollups")

    def _drop(self, rollups: Sequence[Rollup], before: datetime, kind: str | None = None) -> list[RemovedRows]:
        """The buckets of roll-ups of one step, and what is written down of them."""
        known = {row["rollup"] for row in self.store.state("SELECT rollup FROM rollup_columns").to_pylist()}
        made = [each for each in rollups if each.name in known - {COMPARATORS_COLUMN}]
        terms = [RetentionTerm(each.name, "rollups", "bucket") for each in made]
        with self.store.beside() as writing:
            removed = [RemovedRows(each.table, _delete(writing, each, _BEGINNING, before), before) for each in terms]
            for step in {each.step_s for each in made}:
                bounds = {"step_s": step, "before": before}
                writing.execute("DELETE FROM rolled WHERE step_s = $step_s AND bucket < $before", bounds)
            if kind and any(each.rows for each in removed):
                _remember(writing, kind, before)
        return removed

    def _gone(self, kind: str) -> datetime | None:
        """Before when nothing is left of a kind."""
        found: datetime | None = self.store.state(_GONE, {"kind": kind})["gone_before"][0].as_py()
        return found

    def _note(self, run: RetentionReport) -> None:
        """Write the run down."""
        with self.store.writing() as writing:
            for each in run.removed:
                row = {"ran_at": run.ran_at, "table": each.table, "removed": each.rows, "before": each.gone_before}
                writing.execute(_NOTE, row)


def _delete(writing: WriteTransaction, term: RetentionTerm, low: datetime, high: datetime) -> int:
    """Remove what lies in between; how many rows."""
    where = f"FROM {term.table} WHERE {term.column} >= $low AND {term.column} < $high AND {term.only}"
    bounds = {"low": low, "high": high}
    rows = int(writing.rows(f"SELECT count(*) AS n {where}", bounds)["n"][0].as_py())
    if rows:
        writing.execute(f"DELETE {where}", bounds)
    return rows


def _remember(writing: WriteTransaction, kind: str, before: datetime) -> None:
    """Nothing of this kind is left before this time; it never moves back."""
    known = writing.rows(_GONE, {"kind": kind})["gone_before"][0].as_py()
    writing.execute(_FORGET, {"kind": kind})
    writing.execute(_REMEMBER, {"kind": kind, "before": max(before, known or before)})


def _left_out(rollup: Rollup) -> str:
    """Stored rows of buckets that a roll-up leaves out, with their bucket."""
    bucket = f"time_bucket(INTERVAL '{rollup.step_s} seconds', started_at)"
    left_out = "SELECT bucket FROM rollup_skipped WHERE rollup = $rollup AND bucket < $before"
    return f"(SELECT *, {bucket} AS bucket FROM {rollup.source} WHERE {bucket} IN ({left_out}))"
