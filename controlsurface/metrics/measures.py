"""The additive columns: what one stored row adds to each sum. The only place that says what is counted.

A row of `requests`, `attempts` or `comparisons` is `r` here. Every measure is weighted by `sample_weight`, so that head
sampling upstream does not shrink the figures. Beside each measure `x` go `x_rows` (how many stored rows it rests on)
and `x_squares` (the sum of their squared weights): with both, a sum of sums still knows how sure it is.
"""

from dataclasses import dataclass

from controlsurface.metrics.dimensions import Source


@dataclass(frozen=True, slots=True)
class Measure:
    """One additive column. `known` says on which rows it rests, `weight` how many each of them stands for."""

    value: str
    known: str
    weight: str = "r.sample_weight"

    @property
    def rows(self) -> str:
        """1 for each stored row that this measure rests on."""
        return f"CASE WHEN {self.known} THEN 1 ELSE 0 END"

    @property
    def squares(self) -> str:
        """The squared weight of each row that this measure rests on."""
        return f"CASE WHEN {self.known} THEN {self.weight} * {self.weight} ELSE 0 END"


def _count(condition: str, weight: str = "r.sample_weight") -> Measure:
    """How many rows meet the condition."""
    return Measure(f"CASE WHEN {condition} THEN {weight} ELSE 0 END", condition, weight)


def _amount(column: str) -> Measure:
    """The sum of a column, over rows where it is known."""
    return Measure(f"r.sample_weight * r.{column}", f"r.{column} IS NOT NULL")


def _money(column: str) -> Measure:
    """The sum of a DECIMAL column, kept DECIMAL: 18 digits behind the point."""
    return Measure(f"CAST(r.sample_weight AS DECIMAL(18, 6)) * r.{column}", f"r.{column} IS NOT NULL")


_REQUESTS = {
    "n": Measure("r.sample_weight", "TRUE"),
    # lanes
    "lane_known": _count("r.escalated IS NOT NULL"),
    "escalated": _count("r.escalated"),
    "routed": _count("r.escalated AND r.escalation_kind = 'routed'"),
    "cascaded": _count("r.escalated AND r.escalation_kind = 'cascaded'"),
    "fallback": _count("r.escalated AND r.escalation_kind = 'fallback'"),
    "fell_back": _count("r.fell_back"),
    # certainty; 0.05 is compared after rounding because 0.75 - 0.70 is a little more than 0.05 in binary
    "confidence_missing": _count("r.confidence IS NULL"),
    "threshold_known": _count("r.threshold IS NOT NULL"),
    "threshold": _amount("threshold"),
    "comparable": _count("r.confidence IS NOT NULL AND r.threshold IS NOT NULL"),
    "below_threshold": _count("r.confidence < r.threshold"),
    "knife_edge": _count("round(abs(r.confidence - r.threshold), 9) <= 0.05"),
    # outcome
    "failed": _count("r.failed"),
    "troubled": _count("r.failed_attempts > 0"),
    "recovered": _count("r.failed_attempts > 0 AND NOT r.failed"),
    "cached": _count("r.cache IS NOT NULL"),
    "mode_known": _count("r.mode IS NOT NULL"),
    "batched": _count("r.mode = 'batch'"),
    "steps": _amount("steps"),
    "retries": _amount("retries"),
    # time
    "duration_known": _count("r.duration_ms IS NOT NULL"),
    "duration_ms": _amount("duration_ms"),
    # money
    "billable": _count("TRUE"),
    "priced": _count("r.priced"),
    "cost_known": _count("r.cost_usd IS NOT NULL"),
    "cost_known_answered": _count("r.cost_usd IS NOT NULL AND NOT r.failed"),
    "cost_usd": _money("cost_usd"),
    # tokens
    "output_known": _count("r.output_tokens IS NOT NULL"),
    "output_tokens": _amount("output_tokens"),
}

_ATTEMPTS = {
    "n": Measure("r.sample_weight", "TRUE"),
    "failed": _count("r.failed"),
    "gated": _count("r.gate IS NOT NULL"),
    "gate_failed": _count("r.gate = 'fail'"),
    "billable": _count("r.billable"),
    "priced": _count("r.billable AND r.cost_usd IS NOT NULL"),
    "unpriced": _count("r.billable AND r.cost_usd IS NULL"),
    "cost_usd": _money("cost_usd"),
    "overhead_billable": _count("r.billable AND r.purpose <> 'user'"),
    "overhead_priced": _count("r.billable AND r.purpose <> 'user' AND r.cost_usd IS NOT NULL"),
    "overhead_usd": Measure(
        "CASE WHEN r.purpose <> 'user' THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * r.cost_usd ELSE 0 END",
        "r.purpose <> 'user' AND r.cost_usd IS NOT NULL",
    ),
    "input_tokens": _amount("input_tokens"),
    "cached_tokens": _amount("cached_tokens"),
    "cache_write_tokens": _amount("cache_write_tokens"),
    "output_tokens": _amount("output_tokens"),
    "reasoning_tokens": _amount("reasoning_tokens"),
}

# A comparison stands for all requests that might have been shadowed in its place, so a rate of weighted sums is
# Hajek's estimate. Where the router did not say with which probability it shadows, a comparison stands for itself.
_SHADOWED = (
    "CASE WHEN r.sampling_probability > 0 THEN r.sample_weight / r.sampling_probability ELSE r.sample_weight END"
)
_COMPARISONS = {
    "compared": _count("r.disagrees IS NOT NULL", _SHADOWED),
    "disagreed": _count("r.disagrees", _SHADOWED),
}

MEASURES: dict[Source, dict[str, Measure]] = {
    "requests": _REQUESTS,
    "attempts": _ATTEMPTS,
    "comparisons": _COMPARISONS,
}

# Columns whose whole distribution counts: exact quantiles come from the rows, later ones from fixed bins.
SPREADS: dict[Source, dict[str, str]] = {
    "requests": {
        "confidence": "r.confidence",
        "latency_ms": "r.duration_ms",
        "ttft_ms": "r.ttft_ms",
        "cost_usd": "r.cost_usd",
        "input_tokens": "r.input_tokens",
        "output_tokens": "r.output_tokens",
    },
    "attempts": {"latency_ms": "r.duration_ms"},
    "comparisons": {},
}

# Confidences on one scale: bins of others would be added to what they cannot be compared with.
PROBABILITIES = "(r.confidence_kind = 'probability' OR r.confidence_kind IS NULL)"

# Columns counted by their different values. Not additive: only rows can answer.
KEYS: dict[Source, dict[str, str]] = {
    "requests": {
        "session": "CASE WHEN r.escalated IS NOT NULL THEN r.session_id END",
        "escalated_session": "CASE WHEN r.escalated THEN r.session_id END",
    },
    "attempts": {},
    "comparisons": {},
}
