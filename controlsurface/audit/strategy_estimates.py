"""What ways to route would have done to the same requests: each as who answers what, estimated from logged pairs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from controlsurface.arrays import Flags, Floats, Ints
from controlsurface.audit.answer_pairs import code_column
from controlsurface.audit.threshold_sweep import (
    ObservedOutcome,
    SweepEstimates,
    ThresholdSweep,
    sort_observations,
    sweep_thresholds,
)
from controlsurface.audit.traffic_slices import QualityBasis, TrafficSlice
from controlsurface.store.query_budget import check_budget

MAX_LEVELS = 4_000  # places in the order of requests that answered one way, so that every sweep knows its boundary
MIN_TASK_REQUESTS = 30  # fewer tell nothing of a task type: it stays with the large lane
_AS_ASSIGNED = 0.0  # the threshold on the order below


@dataclass(frozen=True, slots=True)
class StrategyFigures:
    """What a way to route would have done: escalation (value, low, high), and the sweeps' estimate of each outcome."""

    escalation: Floats
    outcomes: Mapping[str, SweepEstimates]


@dataclass(frozen=True, slots=True)
class StrategyTraffic:
    """Requests with what is known of both lanes' answers; `sides` by outcome, `joint` for calls of one after another.

    Requests are ordered by task type and then by confidence, so that a task type, or a range of confidence, of which
    nothing was shadowed shows as a hole and gives no figure.
    """

    rows: TrafficSlice
    sides: Mapping[str, ObservedOutcome]
    joint: Mapping[str, ObservedOutcome]
    basis: QualityBasis
    tasks: tuple[str | None, ...]
    task: Ints

    @classmethod
    def of(cls, rows: TrafficSlice) -> "StrategyTraffic":
        """From a slice of traffic."""
        quality = rows.quality()
        sides = {
            "quality": quality.outcome,
            "cost_usd": rows.outcome("cost_usd", "shadow_cost_usd"),
            "latency_ms": rows.outcome("duration_ms", "shadow_duration_ms"),
        }
        joint = {name: _one_after_another(sides[name], rows.large) for name in ("cost_usd", "latency_ms")}
        task, names = code_column(rows.rows, "task_type")
        return cls(rows, sides, {"quality": quality.outcome} | joint, quality.basis, tuple(names), task)

    def escalating(self, up: Flags, *, cascade: bool = False) -> StrategyFigures:
        """Requests where `up` go to the large lane, the others to the small one; `cascade`: to the small one first."""
        swept = self._sweep(up, self.joint if cascade else self.sides)
        at = np.array([_AS_ASSIGNED])
        outcomes = {name: swept.figure(name, at, bounded=name == "quality") for name in self.sides}
        return StrategyFigures(swept.escalation(at)[:, 0], outcomes)

    def passing_tasks(self, rate: float) -> Flags:
        """Of each task type, whether the small lane is right in this share, by the lower end of the interval."""
        order = np.argsort(self.task, kind="stable")
        ends = np.searchsorted(self.task[order], np.arange(len(self.tasks) + 1))
        rows = (order[ends[code] : ends[code + 1]] for code in range(len(self.tasks)))
        return np.array(
            [name is not None and self._small_passes(here, rate) for name, here in zip(self.tasks, rows, strict=True)]
        )

    def priced_share(self) -> float:
        """Which share of the requests has a known cost."""
        known = np.isfinite(self.sides["cost_usd"].given)
        return float(np.average(known, weights=self.rows.weight))

    def _small_passes(self, here: Ints, rate: float) -> bool:
        if len(here) < MIN_TASK_REQUESTS:
            return False
        check_budget()
        part = {"quality": _rows_of(self.sides["quality"], here)}
        large, confidence, weight = self.rows.large[here], self.rows.confidence[here], self.rows.weight[here]
        columns = sort_observations(np.nan_to_num(confidence), large, weight, part)
        lowest = float(columns.confidence.min(initial=0.0)) - 1
        found = sweep_thresholds(columns).figure("quality", np.array([lowest]), bounded=True)
        return bool(found.low[0] >= rate)

    def _sweep(self, up: Flags, sides: Mapping[str, ObservedOutcome]) -> ThresholdSweep:
        """The sums for a threshold of 0: what goes up lies below it, by task type and confidence."""
        order = np.lexsort((np.nan_to_num(self.rows.confidence), self.task))
        place = np.empty(len(order))
        place[order] = np.arange(len(order)) * MAX_LEVELS // max(len(order), 1)
        score = (place + 0.5) / MAX_LEVELS - up
        return sweep_thresholds(sort_observations(score, self.rows.large, self.rows.weight, sides))


def _one_after_another(outcome: ObservedOutcome, large: Flags) -> ObservedOutcome:
    """The small lane's figure where it answers alone, and the sum of both where it is asked first in vain.

    A large answer given at once tells its own part only, so there the sum is known as often as a shadow is.
    """
    both = outcome.given + outcome.shadow
    given = np.where(large, both, outcome.given)
    return replace(
        outcome, given=given, g=np.where(large, outcome.e, outcome.g), shadow=np.where(large, outcome.shadow, both)
    )


def _rows_of(outcome: ObservedOutcome, here: Ints) -> ObservedOutcome:
    return ObservedOutcome(outcome.given[here], outcome.g[here], outcome.shadow[here], outcome.e[here])


def mix_figures(one: StrategyFigures, other: StrategyFigures, share: float) -> StrategyFigures:
    """What a decision does that is the first with this probability and else the second, whatever the request is.

    The ends are those of both, mixed alike: no narrower than the truth where errors go together.
    """
    outcomes = {name: _mixed(each, other.outcomes[name], share) for name, each in one.outcomes.items()}
    return StrategyFigures(share * one.escalation + (1 - share) * other.escalation, outcomes)


def _mixed(one: SweepEstimates, other: SweepEstimates, share: float) -> SweepEstimates:
    ends = {
        each.name: share * getattr(one, each.name) + (1 - share) * getattr(other, each.name)
        for each in fields(SweepEstimates)
    }
    return SweepEstimates(**ends | {"n": np.minimum(one.n, other.n)})
