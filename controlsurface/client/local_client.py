"""The reader in the process that owns the store."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pyarrow as pa

from controlsurface.client.queries.ingest_queries import stored_counters
from controlsurface.client.query_protocol import Command, LaneAssignments, Query, R
from controlsurface.client.result_cache import CachePolicy, ResultCache
from controlsurface.config import Config
from controlsurface.query.statement import Statement
from controlsurface.store.duckdb import DuckStore, QuerySession
from controlsurface.store.named_query import Parameters, StateSql
from controlsurface.store.query_budget import QueryStat
from controlsurface.store.snapshot import SnapshotTaker

MAX_CACHED_STATEMENTS = 256  # answers to statements that are asked again and again


class LocalClient:
    """Answers from a DuckStore. `counters` are the live ones of the receivers; without them those last stored count.

    `health` gives the reasons why no traffic is taken at the moment, `lanes` can change them.
    """

    def __init__(
        self,
        store: DuckStore,
        counters: Callable[[], Mapping[str, int]] | None = None,
        health: Callable[[], Sequence[str]] = tuple,
        timeout_s: float = 30,
        config: Config | None = None,
        lanes: LaneAssignments | None = None,
    ) -> None:
        self._store = store
        self._counters = counters or (lambda: stored_counters(store))
        self._health = health
        self._timeout_s = timeout_s
        self._config = config or Config()
        self._lanes = lanes
        self.cache = ResultCache()

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._lanes.config if self._lanes else self._config

    @property
    def lanes(self) -> LaneAssignments | None:
        """The lanes in force; None where nobody could change them."""
        return self._lanes

    def counters(self) -> Mapping[str, int]:
        """The receivers' counters."""
        return self._counters()

    def run(self, query: Query[R]) -> R:
        """The answer, on our own store."""
        return query.run(self)

    def execute(self, command: Command) -> Mapping[str, Any]:
        """Make the change, on our own store."""
        return command.execute(self)

    def session(self) -> AbstractContextManager[QuerySession]:
        """Several queries over one state of the store."""
        return self._store.session(self._timeout_s)

    @property
    def query_stats(self) -> Mapping[str, QueryStat]:
        """Runs and seconds of data queries, by name."""
        return dict(self._store.stats.by_name)

    def state(self, sql: str, params: Parameters = ()) -> pa.Table:
        """Read state tables."""
        return self._store.state(sql, params, self._timeout_s)

    def write(self, statements: Sequence[StateSql]) -> None:
        """Run statements for their effect, in one transaction."""
        with self._store.writing() as writing:
            for sql, params in statements:
                writing.execute(sql, params)

    @property
    def snapshots(self) -> SnapshotTaker | None:
        """What copies the database."""
        return self._store.snapshots

    def health(self) -> tuple[str, ...]:
        """Why no traffic is taken."""
        return tuple(self._health())

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def rows(self, statement: Statement) -> pa.Table:
        """Run a statement, unless its rows are kept; its times are UTC and say so."""
        if not statement.again:
            return self._run(statement)
        name, room = f"{statement.sql} {statement.shown()}", CachePolicy(most=MAX_CACHED_STATEMENTS)
        return self.cache.get("statements", name, lambda: self._run(statement), room, version=self._store.written)

    def _run(self, statement: Statement) -> pa.Table:
        return self._store.query(statement, self._timeout_s)
