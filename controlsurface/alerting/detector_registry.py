"""Who judges which kind of rule, where that takes more than figures of a window."""

from collections.abc import Mapping

from controlsurface.alerting.detectors.drift.drift_engine import MAX_STREAMS, DriftEngine
from controlsurface.alerting.detectors.lane_engine import LaneEngine
from controlsurface.alerting.evaluation.evaluator import Detector
from controlsurface.alerting.rules.rule_models import RuleKind
from controlsurface.store.duckdb import DuckStore


def create_detectors(
    store: DuckStore, false_alerts_per_week: float = 1, max_streams: int = MAX_STREAMS
) -> Mapping[RuleKind, Detector]:
    """The detectors over a store; they remember what they have seen of it."""
    drift = DriftEngine(store, false_alerts_per_week, max_streams)
    return {"drift": drift.readings, "lanes": LaneEngine(store).readings}
