"""What failed, and what was saved."""

from controlsurface.metrics.metric import Metric

METRICS = (
    Metric(
        "error_rate",
        help="Share of requests that were not answered.",
        sql="sum(failed) / sum(n)",
        unit="ratio",
        better="lower",
    ),
    Metric(
        "attempt_error_rate",
        help="Share of model calls that failed.",
        sql="sum(failed) / sum(n)",
        unit="ratio",
        better="lower",
        source="attempts",
    ),
    Metric(
        "gate_failure_rate",
        help="Share of model calls whose answer failed its quality gate, of those that passed through one.",
        sql="sum(gate_failed) / sum(gated)",
        unit="ratio",
        better="lower",
        source="attempts",
    ),
    Metric(
        "evaluations",
        help="Evaluation results.",
        sql="coalesce(sum(n), 0)",
        unit="count",
        better="neither",
        kind="sum",
        source="scores",
    ),
    Metric(
        "evaluation_score",
        help="Mean score of evaluations, each on its own scale: break it down by evaluation.",
        sql="sum(score) / sum(scored)",
        unit="score",
        better="higher",
        kind="mean",
        source="scores",
    ),
    Metric(
        "evaluation_pass_rate",
        help="Share of evaluations that passed, of those whose label says pass or fail.",
        sql="sum(passed) / sum(judged)",
        unit="ratio",
        better="higher",
        source="scores",
    ),
    Metric(
        "evaluation_error_rate",
        help="Share of evaluations in which the evaluator itself failed.",
        sql="sum(errored) / sum(n)",
        unit="ratio",
        better="lower",
        source="scores",
    ),
)
