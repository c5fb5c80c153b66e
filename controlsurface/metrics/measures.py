"""The additive columns: what one stored row adds to each sum. The only place that says what is counted.

A row of `requests`, `attempts` or `comparisons` is `r` here. Every measure is weighted by `sample_weight`, so that head
sampling upstream does not shrink the figures. Beside each measure `x` go `x_rows` (how many stored rows it rests on)
and `x_squares` (the sum of their squared weights): with both, a sum of sums still knows how sure it is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from controlsurface.query.dimensions import RowSource


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


# Confidences on one scale: bins of others would be added to what they cannot be compared with.
IS_PROBABILITY_SQL = "(r.confidence_kind = 'probability' OR r.confidence_kind IS NULL)"

_BOTH = "r.confidence IS NOT NULL AND r.threshold IS NOT NULL"
_UNSURE = "CASE WHEN r.confidence_kind = 'entropy' THEN r.confidence > r.threshold ELSE r.confidence < r.threshold END"
# 0.05 is compared after rounding because 0.75 - 0.70 is a little more than 0.05 in binary
_NEAR = "round(abs(r.confidence - r.threshold), 9) <= 0.05"


def _held(condition: str) -> dict[str, Measure]:
    """How confidences compare with their thresholds, over requests that meet a condition."""
    threshold = f"{condition} AND r.threshold IS NOT NULL"
    return {
        "threshold_held": _count(threshold),
        "threshold": Measure(f"CASE WHEN {threshold} THEN r.sample_weight * r.threshold END", threshold),
        "held_against": _count(f"{condition} AND {_BOTH}"),
        "unsure": _count(f"{condition} AND {_UNSURE}"),
        "near_threshold": _count(f"{condition} AND {_NEAR}"),
    }


# What savings are told by: requests that calls answered, with known tokens and a cost known in full, the router's own
# included. What a request would cost in the other kind of lane is known where it has calls there, or shadows of it have
# (`known`); for all others (`open`) it follows from input tokens, of one call: several calls read them again.
_BASIS = (
    "r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL "
    "AND r.cost_usd IS NOT NULL AND r.priced"
)
_ASKED = "r.attempts > 0 AND r.cache IS NULL"
_LARGE = "coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END)"
_SMALL = (
    "coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END)"
)


# Requests that say what an answer costs: a call gave it, and what all of its calls cost is known.
_CALLED = "r.cost_usd IS NOT NULL AND r.cache IS NULL AND r.attempts > 0 AND NOT r.failed"

CACHE_LAYERS = ("exact", "semantic", "component", "embedding", "selection")


def _layer(name: str) -> Measure:
    """Requests in which that cache had something, whether or not a call followed."""
    return _count(f"list_contains(string_split(coalesce(r.cache_layers, r.cache), ','), '{name}')")


def _paid(condition: str) -> Measure:
    """What requests that meet a condition cost, the router's own calls included."""
    paid = "(r.cost_usd + coalesce(r.overhead_usd, 0))"
    return Measure(f"CASE WHEN {condition} THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * {paid} ELSE 0 END", condition)


def _alone(name: str, cost: str) -> dict[str, Measure]:
    """What one kind of lane alone would cost: sums over requests that tell, and over those that do not.

    They are what a line of cost (y) over input tokens (x) is drawn through, and how far it may be off.
    """
    known, unknown = (f"{_BASIS} AND {cost} IS {'NOT ' * told}NULL" for told in (True, False))
    x, y, w = "(r.input_tokens / r.attempts)", f"CAST({cost} AS DOUBLE)", "r.sample_weight"
    usd = f"CAST({w} AS DECIMAL(18, 6)) * {cost}"
    sums = {"known": w, "known_rows": "1", "known_squares": f"{w} * {w}", "known_usd": usd, "known_x": f"{w} * {x}"}
    sums |= {"known_xx": f"{w} * {x} * {x}", "known_xy": f"{w} * {x} * {y}", "known_yy": f"{w} * {y} * {y}"}
    left = {"open": w, "open_squares": f"{w} * {w}", "open_x": f"{w} * {x}"}
    told = {key: Measure(f"CASE WHEN {known} THEN {text} ELSE 0 END", known) for key, text in sums.items()}
    rest = {key: Measure(f"CASE WHEN {unknown} THEN {text} ELSE 0 END", unknown) for key, text in left.items()}
    return {f"{name}_{key}": each for key, each in (told | rest).items()}


_REQUESTS = {
    "n": Measure("r.sample_weight", "TRUE"),
    # lanes
    "lane_known": _count("r.escalated IS NOT NULL"),
    "escalated": _count("r.escalated"),
    "routed": _count("r.escalated AND r.escalation_kind = 'routed'"),
    "cascaded": _count("r.escalated AND r.escalation_kind = 'cascaded'"),
    "fallback": _count("r.escalated AND r.escalation_kind = 'fallback'"),
    "fell_back": _count("r.fell_back"),
    # certainty
    "confidence_missing": _count("r.confidence IS NULL"),
    "certain_known": _count("r.confidence IS NOT NULL AND r.confidence_kind = 'probability'"),
    "certain": _count("r.confidence >= 0.95 AND r.confidence_kind = 'probability'"),
    **_held(IS_PROBABILITY_SQL),
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
    **{f"layer_{name}": _layer(name) for name in CACHE_LAYERS},
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
    "cost_known_called": _count(_CALLED),
    "called_usd": _when(_CALLED, "cost_usd"),
    "cost_usd": _money("cost_usd"),
    "overhead_request_usd": _money("overhead_usd"),
    # what one lane alone would cost
    "payable": _count(_ASKED),
    "basis": _count(_BASIS),
    "basis_rows": Measure(f"CASE WHEN {_BASIS} THEN 1 ELSE 0 END", _BASIS),
    "basis_escalated": _count(f"{_BASIS} AND r.escalated"),
    "basis_usd": _paid(_BASIS),
    **_alone("large", _LARGE),
    **_alone("small", _SMALL),
    # tokens
    "input_known": _count("r.input_tokens IS NOT NULL"),
    "input_tokens": _amount("input_tokens"),
    "output_known": _count("r.output_tokens IS NOT NULL"),
    "output_tokens": _amount("output_tokens"),
    **_moments("input"),
    **_moments("output"),
}

# A call is priced where its list had a price for all that it has; one that leaves out a part adds to the cost alone.
IS_PRICED_SQL = "r.cost_usd IS NOT NULL AND r.unpriced_parts IS NULL"
IS_UNPRICED_SQL = "(r.cost_usd IS NULL OR r.unpriced_parts IS NOT NULL)"

# A call whose tokens are unknown costs an unknown sum, whatever its model's price. What writes no text counts none.
IS_UNMETERED_SQL = (
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
    "priced": _count(f"r.billable AND {IS_PRICED_SQL}"),
    "unpriced": _count(f"r.billable AND {IS_UNPRICED_SQL}"),
    "unmetered": _count(f"r.billable AND r.cost_usd IS NULL AND {IS_UNMETERED_SQL}"),
    "unmetered_streamed": _count(f"r.billable AND r.cost_usd IS NULL AND r.streamed AND {IS_UNMETERED_SQL}"),
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
    "job_priced": _count(f"r.billable AND r.job IS NOT NULL AND {IS_PRICED_SQL}"),
    "overhead_billable": _count("r.billable AND r.purpose <> 'user'"),
    "overhead_priced": _count(f"r.billable AND r.purpose <> 'user' AND {IS_PRICED_SQL}"),
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

MEASURES: dict[RowSource, dict[str, Measure]] = {
    "requests": _REQUESTS,
    "attempts": _ATTEMPTS,
    "comparisons": _COMPARISONS,
    "scores": _SCORES,
    "arrivals": _ARRIVALS,
}


def _weighted(key: str, condition: str = "TRUE") -> str:
    """A key and the weight of its row, where the row meets a condition."""
    return f"CASE WHEN {condition} AND {key} IS NOT NULL THEN struct_pack(key := {key}, weight := r.sample_weight) END"


# Columns whose whole distribution counts: exact quantiles come from the rows, later ones from fixed bins.
SPREADS: dict[RowSource, dict[str, str]] = {
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

# Columns counted by their different values. Not additive: only rows can answer. What traffic brings, and not the
# install, is weighted: a value counts as often as the heaviest of its rows.
DISTINCT_KEYS: dict[RowSource, dict[str, str]] = {
    "requests": {
        "session": _weighted("r.session_id", "r.escalated IS NOT NULL"),
        "escalated_session": _weighted("r.session_id", "r.escalated"),
        "each_session": _weighted("r.session_id"),
    },
    "attempts": {
        "paid_job": _weighted("r.job", "r.cost_usd IS NOT NULL"),
        "unpriced_model": f"CASE WHEN r.billable AND {IS_UNPRICED_SQL} THEN r.model END",
    },
    "comparisons": {},
    "scores": {},
    "arrivals": {},
}
WEIGHTED_KEYS = frozenset({"session", "escalated_session", "each_session", "paid_job"})

# What stands for the measures of a threshold where `confidence_kind` is asked for: each kind on its own scale.
_OF_EACH_KIND = _held("TRUE")


def measures_of(source: RowSource, names: Collection[str] = ()) -> Mapping[str, Measure]:
    """The measures of a source for a question that breaks down or filters by `names`.

    Confidences are held against thresholds on one scale only: probabilities, unless `confidence_kind` is asked for.
    """
    each_kind = source == "requests" and "confidence_kind" in names
    return MEASURES[source] | _OF_EACH_KIND if each_kind else MEASURES[source]
