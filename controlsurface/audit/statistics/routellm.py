"""RouteLLM's figures of a router: how much of the gap between two models it recovers, and at how many strong calls.

Ong et al. 2024, and `routellm/evals` of lm-sys/RouteLLM. Its conventions: a higher score asks for the strong model, and
a score that equals the threshold goes to it; thresholds are the edges of ten bins of equal counts (linear quantiles),
equal edges once; at the last edge, the highest score itself, only higher ones would go to the strong model, so that the
curve ends at no strong call; levels between two points of the curve are read off the line between them.
"""

from dataclasses import dataclass

import numpy as np

from controlsurface.arrays import Floats

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
