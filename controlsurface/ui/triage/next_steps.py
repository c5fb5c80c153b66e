"""What to do next, as it follows from the evidence: undo what it began with, look where it is concentrated."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from controlsurface.formatting import format_count
from controlsurface.metrics.contributors.leading_cause import UNKNOWN_VALUES
from controlsurface.query.dimensions import SHARED_DIMENSIONS
from controlsurface.ui.triage.conclusion_text import Comparison, share_text
from controlsurface.ui.triage.nearby_change import NearbyChange

CALLER_DIMENSIONS = ("tenant", "team", "job", "environment", "service")
MODEL_DIMENSIONS = ("answered_by", "model", "selected_model", "requested_model", "provider")
ROUTER_DIMENSIONS = ("router", "router_version")


@dataclass(frozen=True, slots=True)
class NextStep:
    """A sentence, and the page where it is done; without a page it is done elsewhere."""

    words: str
    link: str = ""
    page: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)


def next_steps(about: Comparison, rule: str = "", *, drift: bool = False) -> list[NextStep]:
    """At most three, the likeliest first; `rule` is that of the alert, if there is one, `drift` whether it learns."""
    if about.verdict == "few":
        return [NextStep("Compare a longer time.", "Last 7 days", "triage", {"range": "7d", "metric": about.metric.id})]
    if about.verdict == "chance":
        return [NextStep("Nothing to act on: an alert that fires at this looks at another window or slice.")]
    found = [*_undo(about), *_where(about), *_alike(about)]
    return [*_accepted(about, rule, drift=drift), *found][:3]


def _accepted(about: Comparison, rule: str, *, drift: bool) -> Iterator[NextStep]:
    """A change for the better is kept."""
    if not about.better:
        return
    words = f"{about.metric.title} moved to its better side: nothing to undo."
    if drift and rule:
        yield NextStep(
            f"{words} If it is meant, make it the baseline.", "Accept as baseline", "alerts", {"accept": rule}
        )
    else:
        yield NextStep(f"{words} If it is meant, keep it.")


def _undo(about: Comparison) -> Iterator[NextStep]:
    """What it began with, if it began with something."""
    change = about.change
    if change is None or not change.stepped or about.better:
        return
    if change.kind == "deploy":
        yield NextStep(
            f"It began with {change.name}: roll it back, or compare it with the version before.",
            "Compare versions",
            "compare",
        )
    elif change.kind == "model":
        yield NextStep(
            f"It began with the model {change.name}: route back to the one before.",
            "Latency and errors by model",
            "latency",
        )
    elif change.kind == "price":
        yield NextStep(f"It began with a price ({change.name}): check the price list.", "Cost", "cost")
    else:
        yield NextStep(f"It began with “{change.name}”: undo that change.", "Routing", "routing")


def _where(about: Comparison) -> Iterator[NextStep]:
    """Where it is concentrated."""
    if about.verdict != "cause" or about.better:
        return
    cause = about.found.leading[0]
    name, values = cause["dimension"], cause["values"]
    named = " and ".join(map(str, values))
    if values[0] in UNKNOWN_VALUES:
        words = f"Find out who sends requests without {name.replace('_', ' ')}."
        yield NextStep(words, "Sources", "data")
    elif name in CALLER_DIMENSIONS:
        rows = f"{format_count(cause['n'])} requests"
        words = f"{share_text(cause['share'])} lies in {named}: look at what they send ({rows})."
        yield NextStep(words, "Their requests", "traces", {name: [*values]})
    elif name in MODEL_DIMENSIONS:
        yield NextStep(f"It lies in {named}: check the provider, or route around it.", "Latency by model", "latency")
    elif name in ROUTER_DIMENSIONS:
        yield NextStep(f"It lies in {name.replace('_', ' ')} {named}: roll it back.", "Compare versions", "compare")
    elif name == "task_type":
        yield NextStep(f"It lies in {named}: check its threshold.", "Threshold simulator", "what_if", {name: [*values]})
    else:
        more = {name: [*values]} if name in SHARED_DIMENSIONS else {}
        yield NextStep(f"It lies in {name.replace('_', ' ')} {named}.", "Those requests", "traces", more)


def _alike(about: Comparison) -> Iterator[NextStep]:
    """All values moved alike: what all requests share."""
    if about.verdict != "alike" or about.better or _began_with(about.change):
        return
    yield NextStep(
        "All values moved alike: look at what all requests share, the model and its provider.",
        "Latency by model",
        "latency",
    )
    yield NextStep("Then at the classifier's input: whether confidences drifted.", "Confidence over time", "routing")


def _began_with(change: NearbyChange | None) -> bool:
    return change is not None and change.stepped
