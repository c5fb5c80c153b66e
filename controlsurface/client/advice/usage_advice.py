"""Advice about calls that came without token counts: no price can say what they cost."""

from controlsurface.client.advice.advice_context import AdviceContext
from controlsurface.client.advice.advice_row import MIN_SUPPORT_ROWS, Advice, Row, RuleFinding, largest_support
from controlsurface.metrics.missing_usage import missing_usage_text

MIN_MISSING_SHARE = 0.01  # of a model's calls


def advise_missing_usage(ask: AdviceContext) -> RuleFinding:
    """Models of which many calls came without token counts, so that what they cost is unknown."""
    calls = {row["model"]: row for row in ask.rows("priced_share", by=("model",))}
    lost = {row["model"]: row for row in ask.rows("calls_without_usage", by=("model",))}
    streamed = {row["model"]: row["value"] for row in ask.rows("streamed_calls_without_usage", by=("model",))}
    total = sum(row["n"] for row in calls.values()) or 1
    found = [
        _advice(row, streamed.get(model, 0), row["n"] / total)
        for model, row in lost.items()
        if row["n"] >= max(MIN_SUPPORT_ROWS, MIN_MISSING_SHARE * calls[model]["n"])
    ]
    return RuleFinding(found, largest_support([*calls.values()]))


def _advice(row: Row, streamed: float, share: float) -> Advice:
    model = row["model"]
    what, do = missing_usage_text(round(row["value"]), round(streamed))
    return Advice(
        "usage",
        f"{model or 'The unnamed model'}: {what}: {do.partition(';')[0]}",
        f"{do[:1].upper()}{do[1:]}. What these calls cost is unknown, and no price could say it.",
        "calls_without_usage",
        row["value"],
        None,
        None,
        "count",
        row["n"],
        f"model:{model or ''}",
        "cost",
        share,
    )
