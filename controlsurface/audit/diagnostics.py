"""What is to be known about a slice before its curve is believed: where it stands, ties, dips, RouteLLM's figures."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from controlsurface.arrays import Floats
from controlsurface.audit.threshold_sweep import Observations, ThresholdSweep
from controlsurface.audit.traffic_slices import QualityBasis, TrafficSlice

THRESHOLD_BINS = 10
TIES_TEXT = "a score equal to the threshold goes to the strong model; at the highest threshold none does"


@dataclass(frozen=True, slots=True)
class RouterCurve:
    """The points of a router, from none to all calls strong, and what both models reach alone."""

    strong_share: Floats
    quality: Floats
    weak: float
    strong: float

    def recovered(self) -> Floats:
        """PGR: the share of the gap between the models that each point recovers."""
        return (self.quality - self.weak) / (self.strong - self.weak)

    def average_recovered(self) -> float:
        """APGR: the mean of PGR over the shares of strong calls; 0.5 for a router that tosses coins."""
        covered = self.strong_share[-1] - self.strong_share[0]
        return float(np.trapezoid(self.recovered(), self.strong_share) / covered)

    def calls_for(self, recovered: float) -> float:
        """CPT: the share of strong calls at which this share of the gap is recovered."""
        level = self.weak + recovered * (self.strong - self.weak)
        return float(np.interp(level, self.quality, self.strong_share))


def router_curve(score: Floats, weak: Floats, strong: Floats, weights: Floats) -> RouterCurve | None:
    """The curve of requests whose two answers were graded. None where there is no gap to recover, or a single score."""
    gap = float(np.average(strong, weights=weights) - np.average(weak, weights=weights))
    edges = np.unique(np.quantile(score, np.linspace(0, 1, THRESHOLD_BINS + 1)))
    if gap == 0 or len(edges) < 2:
        return None
    chosen = score[None, :] >= edges[:, None]
    chosen[-1] = score > edges[-1]
    p = weights / weights.sum()
    share, quality = chosen @ p, np.where(chosen, strong, weak) @ p
    order = np.argsort(share, kind="stable")
    return RouterCurve(share[order], quality[order], float(p @ weak), float(p @ strong))


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
    curve = router_curve(-columns.confidence[both], small, large, weights) if both.any() else None
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
        "ties": TIES_TEXT,
    }
