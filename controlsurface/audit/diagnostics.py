"""What is to be known about a slice before its curve is believed: where it stands, ties, dips, RouteLLM's figures."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow.compute as pc

from controlsurface.arrays import Floats
from controlsurface.audit.observations import Observations
from controlsurface.audit.statistics import routellm
from controlsurface.audit.threshold_sweep import ThresholdSweep
from controlsurface.audit.traffic_slices import QualityBasis, TrafficSlice

THRESHOLD_RULE_TEXT = (
    "a confidence below the threshold goes to the large lane; one that equals it stays in the small lane"
)
MIN_TIE_SHARE = 0.01  # of the requests at one confidence: no threshold can part them
MAX_LISTED_FACTS = 20  # ties and dips listed, largest first


def slice_diagnostics(rows: TrafficSlice, columns: Observations, basis: QualityBasis) -> dict[str, Any]:
    """The facts of a slice that no threshold changes."""
    quality = columns.outcomes["quality"]
    thresholds = pc.drop_null(rows.rows["threshold"])
    return {
        "task_type": rows.name,
        "n": rows.rows.num_rows,
        "kind": rows.kind,
        "without_confidence": rows.without_confidence,
        "of_other_kinds": rows.of_other_kinds,
        "quality_is": basis.words,
        **asdict(basis),
        "pairs": int((np.isfinite(quality.given) & np.isfinite(quality.shadow)).sum()),
        "threshold_now": float(np.median(thresholds.to_numpy())) if len(thresholds) else None,
        "escalated_now": float(np.average(columns.large, weights=columns.weight)),
        "ties": confidence_ties(columns.confidence, columns.weight),
        "routellm": routellm_diagnostics(columns),
    }


def confidence_ties(confidence: Floats, weight: Floats) -> list[dict[str, float]]:
    """Confidences that many requests share."""
    values, place = np.unique(confidence, return_inverse=True)
    share = np.bincount(place, weight) / weight.sum()
    most = [i for i in np.argsort(-share)[:MAX_LISTED_FACTS] if share[i] >= MIN_TIE_SHARE and len(values) > 1]
    return [{"confidence": float(values[i]), "share": float(share[i])} for i in most]


def non_monotone_steps(sums: ThresholdSweep, grid: Floats) -> list[dict[str, float]]:
    """Neighbouring thresholds between which more escalation gives less quality."""
    quality = sums.figure("quality", grid, bounded=True).value
    told = np.flatnonzero(np.isfinite(quality))
    falls = np.diff(quality[told])
    worst = [i for i in np.argsort(falls)[:MAX_LISTED_FACTS] if falls[i] < -1e-12]
    return [
        {"from": float(grid[told[i]]), "to": float(grid[told[i + 1]]), "quality": float(falls[i])}
        for i in sorted(worst)
    ]


def routellm_diagnostics(columns: Observations) -> dict[str, Any] | None:
    """RouteLLM's figures over the pairs whose two answers were graded, each weighted; the score is 0 - confidence."""
    quality = columns.outcomes["quality"]
    both = np.isfinite(quality.given) & np.isfinite(quality.shadow)
    small = np.where(columns.large, quality.shadow, quality.given)[both]
    large = np.where(columns.large, quality.given, quality.shadow)[both]
    weights = (columns.weight / quality.e)[both]
    curve = routellm.router_curve(-columns.confidence[both], small, large, weights) if both.any() else None
    if curve is None:
        return None
    return {
        "n": int(both.sum()),
        "small_alone": curve.weak,
        "large_alone": curve.strong,
        "apgr": curve.average_recovered(),
        **{f"cpt{level}": curve.calls_for(level / 100) for level in (20, 50, 80)},
        "points": [
            {"large_share": float(x), "quality": float(y), "pgr": float(z)}
            for x, y, z in zip(curve.strong_share, curve.quality, curve.recovered(), strict=True)
        ],
        "ties": routellm.TIES_TEXT,
    }
