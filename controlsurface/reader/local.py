"""The reader in the process that owns the store."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from time import perf_counter
from typing import Any

import pyarrow as pa

from controlsurface.config import Config
from controlsurface.errors import BadRequest, NotFound
from controlsurface.metrics import asking, conditioning, contributors, events, histogram, query, values
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.claims import Claim
from controlsurface.metrics.contributors import ContributorsArgs
from controlsurface.metrics.events import Event, EventsArgs
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.query import QueryArgs
from controlsurface.metrics.statement import Statement
from controlsurface.money import attribution
from controlsurface.reader import detail, listing, trace
from controlsurface.reader.asking import Answer, Order, Question
from controlsurface.reader.contributors import Contributors
from controlsurface.reader.contributors import contributors as ranked
from controlsurface.reader.ingest import stored_counters, summary
from controlsurface.reader.lanes import Lanes, listed
from controlsurface.reader.reader import Ingest, Page, QueryAnswer, RequestDetail
from controlsurface.reader.rows import records
from controlsurface.reader.sources import STATEMENT as SOURCES
from controlsurface.reader.together import together
from controlsurface.store.duckdb import DuckStore
from controlsurface.store.named_query import Parameters, StateSql
from controlsurface.store.otlp_json import traces_data
from controlsurface.store.query_stats import QueryStat

_KEYS = "SELECT key, n, first_seen, last_seen FROM {} ORDER BY n DESC, key"
KEPT = 256  # answers to statements that are asked again and again


class LocalReader:
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
        lanes: Lanes | None = None,
    ) -> None:
        self._store = store
        self._counters = counters or (lambda: stored_counters(store))
        self._health = health
        self._timeout_s = timeout_s
        self._config = config or Config()
        self._lanes = lanes
        self._kept: tuple[object, dict[str, pa.Table]] = (store.written, {})

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._lanes.config if self._lanes else self._config

    def metrics(self) -> list[Metric]:
        """The catalogue."""
        return list(CATALOG.values())

    def query(self, args: QueryArgs) -> QueryAnswer:
        """One metric, rendered and run."""
        metric = query.find(args.metric)
        began = perf_counter()
        statement, plan = asking.plan_query(self._rows, args)
        rows = statement.bounded(self._rows(statement))
        elapsed_ms = round((perf_counter() - began) * 1e3, 3)
        return QueryAnswer(metric.id, metric.unit, rows, statement.sql, statement.shown(), elapsed_ms, plan.source)

    def distribution(self, args: histogram.DistributionArgs) -> pa.Table:
        """Bins of a column."""
        return asking.ask_bins(self._rows, args)

    def dimensions(self, args: values.DimensionArgs) -> pa.Table:
        """Values of dimensions."""
        return self._rows(values.render(args))

    def attribution(self, args: attribution.AttributionArgs) -> pa.Table:
        """A week's calls."""
        statement = attribution.render(args)
        return statement.bounded(self._rows(statement))

    def contributors(self, args: ContributorsArgs) -> Contributors:
        """What is different, rendered, run and folded."""
        metric = query.find(args.metric)
        began = perf_counter()
        above = self._bound(contributors.bounding(args))
        joint, all_rows = contributors.joint(args, above), contributors.ranked(args)
        with self._store.session(self._timeout_s) as session:
            session.materialize("joint", joint)
            rows = all_rows.bounded(session.query(all_rows)).to_pylist()
            lead = conditioning.leading(rows, contributors.SUPPORT)
            if lead:
                alone = contributors.within(args, lead["dimension"], lead["value"])
                inside = session.query(alone).to_pylist()
                rows = conditioning.beside(rows, lead, inside, contributors.SUPPORT, contributors.scale(args))
        took = round((perf_counter() - began) * 1e3, 3)
        return ranked(args, metric, contributors.render(args, above), rows, took, above)

    def _bound(self, asked: QueryArgs | None) -> float | None:
        """The quantile that rows are held against."""
        rows = self.query(asked).rows.to_pylist() if asked else []
        return float(rows[0]["value"]) if rows and rows[0]["value"] is not None else None

    def events(self, args: EventsArgs) -> pa.Table:
        """Changes, told and found."""
        return asking.ask_events(self._rows, args)

    def tell(self, event: Event) -> None:
        """Keep a change."""
        self.keep([events.told(event)])

    def lanes(self) -> pa.Table:
        """The lanes in force; none where nobody could change them."""
        return listed(self._lanes.in_force() if self._lanes else {})

    def claim(self, claim: Claim) -> None:
        """Put a model into a lane."""
        if self._lanes is None:
            raise BadRequest("only a running server changes lanes; start `controlsurface serve`")
        self._lanes.claim(claim)

    def requests(self, args: listing.RequestsArgs) -> Page:
        """A page of requests."""
        return Page(*listing.page(args, self._rows(listing.render(args))))

    def request(self, request_id: str, near: datetime | None = None) -> RequestDetail:
        """A request with all that belongs to it."""
        found, attempts = self._both(request_id, near)
        if near and not found.num_rows:
            found, attempts = self._both(request_id, None)
        if not found.num_rows:
            raise NotFound(f"no request '{request_id[:200]}'")
        (row,) = records(found)
        if near and near != row["started_at"]:
            attempts = self._rows(detail.attempts(request_id, row["started_at"]))
        if attempts.num_rows < row["steps"]:  # some lie further away, or nobody knows when
            attempts = self._rows(detail.attempts(request_id, None))
        return RequestDetail(found, attempts, self._rows(detail.evaluations(row)))

    def _both(self, request_id: str, near: datetime | None) -> list[pa.Table]:
        """A request's row and its attempts, asked for together: each is more planning than reading."""
        return together(self._rows, [detail.request(request_id, near), detail.attempts(request_id, near)])

    def trace(self, trace_id: str, near: datetime | None = None) -> Mapping[str, Any]:
        """A trace's spans, in order of time."""
        whole = trace.trace_id(trace_id)
        hinted = self._rows(trace.spans(whole, near)).to_pylist() if near else []
        rows = hinted if near and trace.complete(hinted, near) else self._rows(trace.spans(whole, None)).to_pylist()
        if not rows:
            raise NotFound(f"no trace '{whole}'")
        return traces_data(rows)

    def ingest(self) -> Ingest:
        """What was received."""
        return summary(self._counters())

    def unrecognised(self) -> pa.Table:
        """Attribute keys that nothing reads."""
        return self.state(_KEYS.format("attribute_keys"))

    def dropped(self) -> pa.Table:
        """Keys under which content was not stored."""
        return self.state(_KEYS.format("dropped_keys"))

    def sources(self) -> pa.Table:
        """Who sends."""
        return self._rows(SOURCES)

    def ask(self, question: Question) -> Answer:
        """The answer, on our own ground."""
        return question.answered(self)

    def do(self, order: Order) -> Mapping[str, Any]:
        """Make the change, on our own ground."""
        return order.done(self)

    def rows(self, statement: Statement) -> pa.Table:
        """Run a statement for a question."""
        return self._rows(statement)

    @property
    def query_stats(self) -> Mapping[str, QueryStat]:
        """Runs and seconds of data queries, by name."""
        return dict(self._store.stats.by_name)

    def state(self, sql: str, params: Parameters = ()) -> pa.Table:
        """Read state tables."""
        return self._store.state(sql, params, self._timeout_s)

    def keep(self, statements: Sequence[StateSql]) -> None:
        """Run statements for their effect, in one transaction."""
        with self._store.writing() as writing:
            for sql, params in statements:
                writing.execute(sql, params)

    def health(self) -> tuple[str, ...]:
        """Why no traffic is taken."""
        return tuple(self._health())

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _rows(self, statement: Statement) -> pa.Table:
        """Run a statement, unless its rows are kept; its times are UTC and say so."""
        if not statement.again:
            return self._run(statement)
        written, kept = self._store.written, self._kept
        if kept[0] is not written or len(kept[1]) >= KEPT:
            kept = self._kept = (written, {})
        name = f"{statement.sql} {statement.shown()}"
        if name not in kept[1]:
            kept[1][name] = self._run(statement)
        return kept[1][name]

    def _run(self, statement: Statement) -> pa.Table:
        return self._store.query(statement, self._timeout_s)
