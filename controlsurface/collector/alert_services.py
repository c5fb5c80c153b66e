"""The alert loop and the delivery of alerts of a running collector: what they look at, when they begin and end."""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from controlsurface.alerting.delivery.dispatcher import DeliveryService
from controlsurface.alerting.delivery.outbox import enqueue_alerts
from controlsurface.alerting.detector_registry import create_detectors
from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.rule_loop import RuleLoop
from controlsurface.alerting.rules.rule_loader import configured_rule_paths
from controlsurface.client.queries.cardinality_query import count_over_limit
from controlsurface.client.queries.ingest_queries import UNEXPLAINED, IngestQuery, UsageLedgerQuery
from controlsurface.collector.ingest_engine import IngestEngine
from controlsurface.query.arguments import TimeRange

REFUSALS_WINDOW = timedelta(minutes=5)
UNEXPLAINED_WINDOW = OVER_LIMIT_WINDOW = timedelta(hours=1)


class ServerGauges:
    """The gauges of this process, as alerting/rules/rule_values.py names them. Asked by one thread."""

    def __init__(self, engine: IngestEngine) -> None:
        self._reader = engine.reader()
        self._refused: deque[tuple[datetime, int]] = deque()

    def __call__(self, now: datetime) -> Mapping[str, float]:
        """The figures of now."""
        state = self._reader.run(IngestQuery())
        return {
            "ingest_lag_seconds": state.lag_ms / 1e3,
            "ingest_pending_spans": state.pending,
            "ingest_refused_bodies": self._lately(now, state.counters.get("refused", 0)),
            "ingest_not_ready": float(bool(self._reader.health())),
            "usage_unexplained_spans": self._unexplained(now),
            "dimensions_over_limit": count_over_limit(self._reader, now - OVER_LIMIT_WINDOW),
        }

    def _unexplained(self, now: datetime) -> int:
        """How many spans of the last hour carry tokens or a cost and are in no figure."""
        rows = self._reader.run(UsageLedgerQuery(TimeRange(start=now - UNEXPLAINED_WINDOW))).rows.to_pylist()
        return sum(row["spans"] for row in rows if row["entry"] == UNEXPLAINED)

    def _lately(self, now: datetime, refused: int) -> int:
        """How many were refused since the oldest look that is kept."""
        self._refused.append((now, refused))
        while self._refused[0][0] < now - REFUSALS_WINDOW:
            self._refused.popleft()
        return refused - self._refused[0][1]


@contextmanager
def rule_service(engine: IngestEngine) -> Iterator[RuleLoop]:
    """Evaluate the rules of the configuration meanwhile."""
    section = engine.config.alerts
    sight = EvaluationContext(
        engine.store,
        gauges=ServerGauges(engine),
        detectors=create_detectors(engine.store, section.false_alerts_per_week, engine.config.limits.streams),
        weekly_budget_usd=section.weekly_budget_usd,
    )
    rules = configured_rule_paths(engine.config)
    loop = RuleLoop(engine.store, rules, sight, enqueue_alerts, engine.clock, engine.liveness).start()
    try:
        yield loop
    finally:
        loop.stop()


@contextmanager
def delivery_service(engine: IngestEngine) -> Iterator[DeliveryService]:
    """Send alerts meanwhile. Raises ConfigError when a notifier's secret is not there."""
    section = engine.config.delivery
    delivery = DeliveryService(
        engine.store, engine.reader(), section, engine.clock, lambda: not engine.liveness.problem()
    )
    delivery.start()
    try:
        yield delivery
    finally:
        delivery.stop()
