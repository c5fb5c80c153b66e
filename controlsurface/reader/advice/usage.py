"""Advice about calls that came without token counts: no price can say what they cost."""

from controlsurface.metrics.usage import said
from controlsurface.reader.advice.finding import SUPPORT, Advice, Found, Row, most
from controlsurface.reader.advice.window import Asker

OFTEN = 0.01  # of a model's calls


def missing(ask: Asker) -> Found:
    """Models of which many calls came without token counts, so that what they cost is unknown."""
    calls = {row["model"]: row for row in ask.rows("priced_share", by=("model",))}
    lost = {row["model"]: row for row in ask.rows("calls_without_usage", by=("model",))}
    streamed = {row["model"]: row["value"] for row in ask.rows("streamed_calls_without_usage", by=("model",))}
    total = sum(row["n"] for row in calls.values()) or 1
    found = [
        _advice(row, streamed.get(model, 0), row["n"] / total)
        for model, row in lost.items()
        if row["n"] >= max(SUPPORT, OFTEN * calls[model]["n"])
    ]
    return Found(found, most([*calls.values()]))


def _advice(row: Row, streamed: float, share: float) -> Advice:
    model = row["model"]
    what, do = said(round(row["value"]), round(streamed))
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
