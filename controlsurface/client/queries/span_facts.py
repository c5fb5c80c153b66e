"""The facts that spans can state: how one is told apart in the stored rows, how to send it, and what needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FactRows = Literal["requests", "calls", "confidences", "shadow calls"]

EVERY_ROW_SHARE = 0.99  # of rows: what every client can say of every row
MOST_ROWS_SHARE = 0.9  # of rows: what a router says of its own requests
SOME_ROWS_SHARE = 0.01  # of rows: samples, and dimensions that only part of the traffic has


@dataclass(frozen=True, slots=True)
class SpanFact:
    """One fact. `known` is a condition on a row `r` of `rows`; `among` says on which of them it can be expected.

    With a share under `enough` what needs the fact is weak, with none it is empty.
    """

    name: str
    title: str
    rows: FactRows
    known: str
    add: str
    pages: tuple[str, ...]
    rules: tuple[str, ...] = ()
    among: str = "TRUE"
    enough: float = MOST_ROWS_SHARE


TASK_TYPE_RULES = (
    "EscalationRateHigh EscalationRateDrift OutputTokensGrowing OutputTokensDrift CostPerRequestDrift TaskMixDrift "
    "InputTokensDrift GateFailuresByTask"
).split()
FACTS: tuple[SpanFact, ...] = (
    SpanFact(
        "model",
        "Model",
        "calls",
        "r.model IS NOT NULL",
        "set `gen_ai.request.model` and `gen_ai.response.model` on the span of each model call",
        ("overview", "routing", "cost", "compare", "data"),
        ("ModelWithoutLane", "ModelChanged", "ContextWindowNearlyFull"),
        enough=EVERY_ROW_SHARE,
    ),
    SpanFact(
        "tokens",
        "Tokens",
        "calls",
        "r.input_tokens IS NOT NULL AND r.output_tokens IS NOT NULL",
        "set `gen_ai.usage.input_tokens` and `gen_ai.usage.output_tokens`; of streamed calls ask the provider for them "
        "with `stream_options.include_usage`",
        ("overview", "cost", "compare"),
        (
            "OutputTokensGrowing",
            "OutputTokensDrift",
            "InputTokensDrift",
            "ContextWindowNearlyFull",
            "UnpricedShareHigh",
        ),
        among="NOT r.failed AND r.purpose <> 'embedding' AND r.operation IS DISTINCT FROM 'embedding'",
        enough=EVERY_ROW_SHARE,
    ),
    SpanFact(
        "cost",
        "Cost",
        "calls",
        "r.cost_usd IS NOT NULL",
        "send tokens, and give models without a list price one in prices.toml; or set `controlsurface.cost_usd`",
        ("overview", "cost", "compare", "what_if"),
        ("CostPerRequestHigh", "CostPerRequestDrift", "RoutingCostsMoreThanItSaves", "BudgetBurn", "UnpricedShareHigh"),
        among="r.billable",
        enough=EVERY_ROW_SHARE,
    ),
    SpanFact(
        "lane",
        "Lane",
        "requests",
        "r.lane <> 'unknown'",
        "name the models under `[lanes]`, or set `controlsurface.lane` on the routing span",
        ("overview", "triage", "routing", "latency", "cost", "quality", "what_if"),
        tuple(
            "EscalationRateHigh EscalationRateDrift SmallLaneShareLow RoutingCostsMoreThanItSaves LatencyHigh "
            "FastLaneNotFast CallErrorRateHigh GateFailureRateHigh".split()
        ),
        enough=EVERY_ROW_SHARE,
    ),
    SpanFact(
        "task_type",
        "Task type",
        "requests",
        "r.task_type IS NOT NULL",
        "set `controlsurface.task_type` on the routing span, or name your attribute in `task_types.from`",
        ("overview", "routing", "latency", "cost", "quality", "what_if"),
        (*TASK_TYPE_RULES, "HiddenMode", "DisagreementHigh", "ConfidenceDrift", "KnifeEdgeDrift"),
    ),
    SpanFact(
        "router_version",
        "Router version",
        "requests",
        "r.router_version IS NOT NULL",
        "set `controlsurface.router.name` and `controlsurface.router.version` on the routing span",
        ("triage", "routing", "compare"),
        ("RouterChanged", "ConfidenceMissing"),
    ),
    SpanFact(
        "confidence",
        "Confidence",
        "requests",
        "r.confidence IS NOT NULL",
        "set `controlsurface.router.confidence` on the routing span",
        ("overview", "routing", "quality", "what_if"),
        ("ConfidenceDrift", "KnifeEdgeDrift", "ConfidenceMissing"),
        among="r.cache IS NULL",
    ),
    SpanFact(
        "confidence_kind",
        "Kind of confidence",
        "confidences",
        "r.confidence_kind IS NOT NULL",
        "set `controlsurface.router.confidence_kind` (probability, score, cosine or entropy) beside the confidence",
        ("routing", "quality"),
        ("ConfidenceDrift",),
    ),
    SpanFact(
        "threshold",
        "Threshold",
        "requests",
        "r.threshold IS NOT NULL",
        "set `controlsurface.router.threshold` on the routing span",
        ("overview", "routing", "what_if"),
        ("ConfidenceDrift", "KnifeEdgeDrift"),
        among="r.cache IS NULL",
    ),
    SpanFact(
        "session",
        "Session",
        "requests",
        "r.session_id IS NOT NULL",
        "set `gen_ai.conversation.id` on the routing span or the model call",
        ("traces",),
        enough=SOME_ROWS_SHARE,
    ),
    SpanFact(
        "tenant",
        "Tenant",
        "requests",
        "r.tenant IS NOT NULL",
        "set `controlsurface.tenant` on the routing span",
        ("cost", "triage"),
        enough=SOME_ROWS_SHARE,
    ),
    SpanFact(
        "team",
        "Team",
        "requests",
        "r.team IS NOT NULL",
        "set `controlsurface.team` on the routing span",
        ("cost", "triage"),
        enough=SOME_ROWS_SHARE,
    ),
    SpanFact(
        "gate",
        "Quality gate",
        "calls",
        "r.gate IS NOT NULL",
        "set `controlsurface.quality_gate.name` and `controlsurface.quality_gate.passed` on the model call",
        ("triage", "traces"),
        ("GateFailureRateHigh", "GateFailuresByTask"),
        among="r.purpose = 'user' AND NOT r.failed",
        enough=SOME_ROWS_SHARE,
    ),
    SpanFact(
        "shadow",
        "Shadow answers",
        "requests",
        "r.shadowed",
        "send a sample to the other lane too: set `controlsurface.purpose` to shadow and `controlsurface.shadow.of` to "
        "the request's id on that call",
        ("quality", "what_if"),
        ("DisagreementHigh",),
        enough=SOME_ROWS_SHARE,
    ),
    SpanFact(
        "sampling",
        "Sampling probability",
        "shadow calls",
        "r.sampling_probability IS NOT NULL OR r.sampled",
        "set `controlsurface.sampling.probability` on the shadow call",
        ("quality", "what_if"),
        ("DisagreementHigh",),
        enough=EVERY_ROW_SHARE,
    ),
    SpanFact(
        "answer_label",
        "Answer label",
        "shadow calls",
        "r.answer_label IS NOT NULL",
        "set `controlsurface.answer.label` on the shadow call and on the one it repeats, or compare by a judge "
        "(`[audit.comparator]`)",
        ("quality",),
        ("DisagreementHigh",),
        among="NOT r.failed",
        enough=EVERY_ROW_SHARE,
    ),
)
FACTS_BY_NAME: Mapping[str, SpanFact] = {each.name: each for each in FACTS}
