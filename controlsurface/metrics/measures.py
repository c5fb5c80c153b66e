"""The additive columns: what one stored row adds to each sum. The only place that says what is counted.

A row of `requests`, `attempts` or `comparisons` is `r` here. Every measure is weighted by `sample_weight`, so that head
sampling upstream does not shrink the figures. Beside each measure `x` go `x_rows` (how many stored rows it rests on)
and `x_squares` (the sum of their squared weights): with both, a sum of sums still knows how sure it is.
"""

from dataclasses import dataclass

from controlsurface.metrics.dimensions import Source


@dataclass(frozen=True, slots=True)
class Measure:
    """One additive column. `known` says on which rows it rests, `weight` how many each of them stands for.

    `counted` is how many things a stored row is about, where it is a sum already.
    """

    value: str
    known: str
    weight: str = "r.sample_weight"
    counted: str = "1"

    @property
    def rows(self) -> str:
        """How many things this measure rests on: 1 for each stored row."""
        return f"CASE WHEN {self.known} THEN {self.counted} ELSE 0 END"

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


def _when(condition: str, column: str) -> Measure:
    """The sum of a DECIMAL column over rows that meet a condition."""
    text = f"CASE WHEN {condition} THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * r.{column} ELSE 0 END"
    return Measure(text, f"{condition} AND r.{column} IS NOT NULL")


def _moments(name: str) -> dict[str, Measure]:
    """The sums that a line of tokens (y) over days (x, from 2026 on: small numbers keep their digits) is made of."""
    x, y = "(epoch(r.started_at) - 1767225600) / 86400", f"r.{name}_tokens"
    known = f"{y} IS NOT NULL AND r.started_at IS NOT NULL"
    products = {"x": x, "y": y, "xx": f"power({x}, 2)", "xy": f"{x} * {y}", "yy": f"power({y}, 2)"}
    sums = {key: f"CASE WHEN {known} THEN r.sample_weight * {value} END" for key, value in products.items()}
    squares = Measure(f"CASE WHEN {known} THEN r.sample_weight * r.sample_weight ELSE 0 END", known)
    counts = {f"{name}_timed": _count(known), f"{name}_squares": squares}
    return {**counts, **{f"{name}_{key}": Measure(text, known) for key, text in sums.items()}}


# What savings are told by: requests that calls answered, with known tokens and a cost known in full, the router's own
# included. One call reads what a request asks; several read it again. A request of one call says what a lane costs.
_BASIS = (
    "r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL "
    "AND r.cost_usd IS NOT NULL AND r.priced"
)
_ASKED = "r.attempts > 0 AND r.cache IS NULL"
_LONE_LARGE = f"{_BASIS} AND r.attempts = 1 AND r.escalated"
_LONE_SMALL = f"{_BASIS} AND r.attempts = 1 AND NOT r.escalated"


def _tokens(condition: str) -> Measure:
    """Input tokens of one call of each request that meets a condition."""
    text = f"CASE WHEN {condition} THEN r.sample_weight * r.input_tokens / r.attempts ELSE 0 END"
    return Measure(text, condition)


def _paid(condition: str) -> Measure:
    """What requests that meet a condition cost, the router's own calls included."""
    paid = "(r.cost_usd + coalesce(r.overhead_usd, 0))"
    return Measure(f"CASE WHEN {condition} THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * {paid} ELSE 0 END", condition)


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
    "certain_known": _count("r.confidence IS NOT NULL AND r.confidence_kind = 'probability'"),
    "certain": _count("r.confidence >= 0.95 AND r.confidence_kind = 'probability'"),
    "comparable": _count("r.confidence IS NOT NULL AND r.threshold IS NOT NULL"),
    "below_threshold": _count("r.confidence < r.threshold"),
    "knife_edge": _count("round(abs(r.confidence - r.threshold), 9) <= 0.05"),
    # outcome
    "failed": _count("r.failed"),
    "answered": _count("NOT r.failed"),
    "escalated_failed": _count("r.escalated AND r.failed"),
    "troubled": _count("r.failed_attempts > 0"),
    "recovered": _count("r.failed_attempts > 0 AND NOT r.failed"),
    "cached": _count("r.cache IS NOT NULL"),
    "cached_exact": _count("r.cache = 'exact'"),
    "cached_semantic": _count("r.cache = 'semantic'"),
    "cached_component": _count("r.cache = 'component'"),
    "mode_known": _count("r.mode IS NOT NULL"),
    "batched": _count("r.mode = 'batch'"),
    "job_moded": _count("r.job IS NOT NULL AND r.mode IS NOT NULL"),
    "job_realtime": _count("r.job IS NOT NULL AND r.mode = 'realtime'"),
    # calls
    "steps": _amount("steps"),
    "asked": _count("r.attempts > 0"),
    "calls": _amount("attempts"),
    "failed_calls": _amount("failed_attempts"),
    "depth_one": _count("r.attempts = 1"),
    "depth_two": _count("r.attempts = 2"),
    "depth_more": _count("r.attempts > 2"),
    "retries": _amount("retries"),
    # time
    "duration_known": _count("r.duration_ms IS NOT NULL"),
    "duration_ms": _amount("duration_ms"),
    "routing_known": _count("r.routing_ms IS NOT NULL"),
    "routing_ms": _amount("routing_ms"),
    # money
    "billable": _count("TRUE"),
    "priced": _count("r.priced"),
    "cost_known": _count("r.cost_usd IS NOT NULL"),
    "cost_known_answered": _count("r.cost_usd IS NOT NULL AND NOT r.failed"),
    "cost_known_asked": _count("r.cost_usd IS NOT NULL AND r.cache IS NULL"),
    "cost_usd": _money("cost_usd"),
    "overhead_request_usd": _money("overhead_usd"),
    "escalated_once": _count("r.escalated AND r.attempts = 1 AND r.cost_usd IS NOT NULL"),
    "escalated_once_usd": _when("r.escalated AND r.attempts = 1", "cost_usd"),
    # what one lane alone would cost
    "payable": _count(_ASKED),
    "basis": _count(_BASIS),
    "basis_escalated": _count(f"{_BASIS} AND r.escalated"),
    "basis_tokens": _tokens(_BASIS),
    "basis_usd": _paid(_BASIS),
    "large_tokens": _tokens(_LONE_LARGE),
    "large_usd": _when(_LONE_LARGE, "cost_usd"),
    "small_tokens": _tokens(_LONE_SMALL),
    "small_usd": _when(_LONE_SMALL, "cost_usd"),
    # tokens
    "input_known": _count("r.input_tokens IS NOT NULL"),
    "input_tokens": _amount("input_tokens"),
    "output_known": _count("r.output_tokens IS NOT NULL"),
    "output_tokens": _amount("output_tokens"),
    **_moments("input"),
    **_moments("output"),
}

# A call is priced where its list had a price for all that it has; one that leaves out a part adds to the cost alone.
PRICED = "r.cost_usd IS NOT NULL AND r.unpriced_parts IS NULL"
UNPRICED = "(r.cost_usd IS NULL OR r.unpriced_parts IS NOT NULL)"

# A call whose tokens are unknown costs an unknown sum, whatever its model's price. What writes no text counts none.
UNMETERED = (
    "(r.input_tokens IS NULL OR r.output_tokens IS NULL AND r.purpose <> 'embedding' "
    "AND coalesce(r.operation, 'chat') IN ('chat', 'completion'))"
)
_WINDOWED = "r.context_window > 0 AND r.input_tokens IS NOT NULL"
_ATTEMPTS = {
    "n": Measure("r.sample_weight", "TRUE"),
    "failed": _count("r.failed"),
    "user_calls": _count("r.purpose = 'user'"),
    "user_succeeded": _count("r.purpose = 'user' AND NOT r.failed AND r.gate IS DISTINCT FROM 'fail'"),
    "gated": _count("r.gate IS NOT NULL"),
    "gate_failed": _count("r.gate = 'fail'"),
    "billable": _count("r.billable"),
    "priced": _count(f"r.billable AND {PRICED}"),
    "unpriced": _count(f"r.billable AND {UNPRICED}"),
    "unmetered": _count(f"r.billable AND r.cost_usd IS NULL AND {UNMETERED}"),
    "unmetered_streamed": _count(f"r.billable AND r.cost_usd IS NULL AND r.streamed AND {UNMETERED}"),
    "cost_usd": _money("cost_usd"),
    # parts of a cost are known where a price list made it
    "parted": _count("r.billable AND r.output_usd IS NOT NULL"),
    "fresh_usd": Measure(
        "CAST(r.sample_weight AS DECIMAL(18, 6)) * (r.cost_usd - r.cached_usd - r.output_usd)",
        "r.cost_usd IS NOT NULL AND r.cached_usd IS NOT NULL AND r.output_usd IS NOT NULL",
    ),
    "cached_usd": _money("cached_usd"),
    "output_usd": _money("output_usd"),
    "reasoning_usd": _money("reasoning_usd"),
    "cache_saving_usd": _money("cache_saving_usd"),
    "batch_saving_usd": _money("batch_saving_usd"),
    "batch_full_usd": Measure(
        "CAST(r.sample_weight AS DECIMAL(18, 6)) * (r.cost_usd + r.batch_saving_usd)",
        "r.cost_usd IS NOT NULL AND r.batch_saving_usd IS NOT NULL",
    ),
    "batch_billable": _count("r.billable AND r.mode = 'batch'"),
    "batch_parted": _count("r.billable AND r.batch_saving_usd IS NOT NULL"),
    "job_usd": _when("r.job IS NOT NULL", "cost_usd"),
    "job_billable": _count("r.billable AND r.job IS NOT NULL"),
    "job_priced": _count(f"r.billable AND r.job IS NOT NULL AND {PRICED}"),
    "overhead_billable": _count("r.billable AND r.purpose <> 'user'"),
    "overhead_priced": _count(f"r.billable AND r.purpose <> 'user' AND {PRICED}"),
    "overhead_usd": _when("r.purpose <> 'user'", "cost_usd"),
    "input_tokens": _amount("input_tokens"),
    "cached_tokens": _amount("cached_tokens"),
    "cache_write_tokens": _amount("cache_write_tokens"),
    "output_tokens": _amount("output_tokens"),
    "reasoning_tokens": _amount("reasoning_tokens"),
    "context_system": _amount("context_system"),
    "context_retrieved": _amount("context_retrieved"),
    "context_history": _amount("context_history"),
    "context_tools": _amount("context_tools"),
    "windowed": _count(_WINDOWED),
    "window_share": Measure(
        f"CASE WHEN {_WINDOWED} THEN r.sample_weight * r.input_tokens / r.context_window END", _WINDOWED
    ),
    "window_full": _count(f"{_WINDOWED} AND r.input_tokens > 0.8 * r.context_window"),
}

# A comparison stands for all requests that might have been shadowed in its place, so a rate of weighted sums is
# Hajek's estimate. Where the router did not say with which probability it shadows, a comparison stands for itself.
_SHADOWED = (
    "CASE WHEN r.sampling_probability > 0 THEN r.sample_weight / r.sampling_probability ELSE r.sample_weight END"
)
_COMPARISONS = {
    "n": Measure("r.sample_weight", "TRUE"),
    "compared": _count("r.disagrees IS NOT NULL", _SHADOWED),
    "disagreed": _count("r.disagrees", _SHADOWED),
}

_SCORES = {
    "n": Measure("r.sample_weight", "TRUE"),
    "scored": _count("r.score IS NOT NULL"),
    "score": _amount("score"),
    "judged": _count("r.passed IS NOT NULL"),
    "passed": _count("r.passed"),
    "errored": _count("r.error_type IS NOT NULL"),
}

_RECEIVED = "(r.spans + r.duplicate + r.expired + r.rejected)"


def _arrived(column: str) -> Measure:
    """A count of what came; the figure rests on all that came."""
    return Measure(column, "TRUE", "1", _RECEIVED)


_ARRIVALS = {
    "received": _arrived(_RECEIVED),
    "stored": _arrived("r.spans"),
    **{name: _arrived(f"r.{name}") for name in ("unrecognised", "late", "lag_ms", "aged", "age_ms")},
    **{name: _arrived(f"r.{name}") for name in ("duplicate", "expired", "rejected", "refused")},
}

MEASURES: dict[Source, dict[str, Measure]] = {
    "requests": _REQUESTS,
    "attempts": _ATTEMPTS,
    "comparisons": _COMPARISONS,
    "scores": _SCORES,
    "arrivals": _ARRIVALS,
}

# Columns whose whole distribution counts: exact quantiles come from the rows, later ones from fixed bins.
SPREADS: dict[Source, dict[str, str]] = {
    "requests": {
        "confidence": "r.confidence",
        "latency_ms": "r.duration_ms",
        "ttft_ms": "r.ttft_ms",
        "routing_ms": "r.routing_ms",
        "cost_usd": "r.cost_usd",
        "input_tokens": "r.input_tokens",
        "output_tokens": "r.output_tokens",
    },
    "attempts": {"latency_ms": "r.duration_ms"},
    "comparisons": {},
    "scores": {},
    "arrivals": {},
}

# Confidences on one scale: bins of others would be added to what they cannot be compared with.
PROBABILITIES = "(r.confidence_kind = 'probability' OR r.confidence_kind IS NULL)"

# Columns counted by their different values. Not additive: only rows can answer.
KEYS: dict[Source, dict[str, str]] = {
    "requests": {
        "session": "CASE WHEN r.escalated IS NOT NULL THEN r.session_id END",
        "escalated_session": "CASE WHEN r.escalated THEN r.session_id END",
        "each_session": "r.session_id",
    },
    "attempts": {
        "paid_job": "CASE WHEN r.cost_usd IS NOT NULL THEN r.job END",
        "unpriced_model": f"CASE WHEN r.billable AND {UNPRICED} THEN r.model END",
    },
    "comparisons": {},
    "scores": {},
    "arrivals": {},
}
