"""The alert loop of a running collector: what it looks at, and when it begins and ends."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from controlsurface.alerting.detectors import detectors
from controlsurface.alerting.evaluate import Sight
from controlsurface.alerting.loop import RuleLoop
from controlsurface.alerting.outbox import enqueue
from controlsurface.alerting.reload import places
from controlsurface.collector.engine import Engine
from controlsurface.metrics.arguments import TimeRange
from controlsurface.reader.cardinality import over_limit
from controlsurface.reader.ingest import IngestQuery
from controlsurface.reader.usage_ledger import UNEXPLAINED, UsageLedger

REFUSALS_KEPT = timedelta(minutes=5)
UNEXPLAINED_WITHIN = timedelta(hours=1)
OVER_WITHIN = timedelta(hours=1)


class ServerGauges:
    """The figures that alerting/gauges.py names, of this process. Asked by one thread."""

    def __init__(self, engine: Engine) -> None:
        self._reader = engine.reader()
        self._refused: deque[tuple[datetime, int]] = deque()

    def __call__(self, now: datetime) -> Mapping[str, float]:
        """The figures of now."""
        state = self._reader.ask(IngestQuery())
        return {
            "ingest_lag_seconds": state.lag_ms / 1e3,
            "ingest_pending_spans": state.pending,
            "ingest_refused_bodies": self._lately(now, state.counters.get("refused", 0)),
            "ingest_not_ready": float(bool(self._reader.health())),
            "usage_unexplained_spans": self._unexplained(now),
            "dimensions_over_limit": over_limit(self._reader, now - OVER_WITHIN),
        }

    def _unexplained(self, now: datetime) -> int:
        """How many spans of the last hour carry tokens or a cost and are in no figure."""
        rows = self._reader.ask(UsageLedger(TimeRange(start=now - UNEXPLAINED_WITHIN))).rows.to_pylist()
        return sum(row["spans"] for row in rows if row["entry"] == UNEXPLAINED)

    def _lately(self, now: datetime, refused: int) -> int:
        """How many were refused since the oldest look that is kept."""
        self._refused.append((now, refused))
        while self._refused[0][0] < now - REFUSALS_KEPT:
            self._refused.popleft()
        return refused - self._refused[0][1]


@contextmanager
def watching(engine: Engine, own: Sequence[Path] = ()) -> Iterator[RuleLoop]:
    """Evaluate rules meanwhile. `own` are further files and folders of rules."""
    section = engine.config.alerts
    sight = Sight(
        engine.store,
        gauges=ServerGauges(engine),
        detectors=detectors(engine.store, section.false_alerts_per_week, engine.config.limits.streams),
        weekly_budget_usd=section.weekly_budget_usd,
    )
    rules = places(engine.config, own)
    loop = RuleLoop(engine.store, rules, sight, enqueue, engine.clock, engine.liveness).start()
    try:
        yield loop
    finally:
        loop.stop()
