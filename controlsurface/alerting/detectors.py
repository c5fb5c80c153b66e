"""Who judges which kind of rule, where that takes more than figures of a window."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from controlsurface.alerting.drift_rules import MAX_STREAMS, DriftEngine, backtest
from controlsurface.alerting.evaluate import Detector
from controlsurface.alerting.lane_rules import LaneEngine
from controlsurface.alerting.rules import DriftRule, Kind
from controlsurface.alerting.state import Reading
from controlsurface.store.duckdb import DuckStore


def detectors(
    store: DuckStore, false_alerts_per_week: float = 1, max_streams: int = MAX_STREAMS
) -> Mapping[Kind, Detector]:
    """The detectors over a store; they remember what they have seen of it."""
    drift = DriftEngine(store, false_alerts_per_week, max_streams)
    return {"drift": drift.readings, "lanes": LaneEngine(store).readings}


def history(
    store: DuckStore, rule: DriftRule, since: datetime, until: datetime
) -> Iterator[tuple[datetime, Sequence[Reading]]]:
    """What a drift rule would have found, whenever that would have changed."""
    return backtest(store, rule, since, until)
