"""Built-in advice: each rule reads a few metrics and says what to do, with its figures, or that it cannot."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from controlsurface.client.advice import change_advice, cost_advice, lane_advice, profile_advice, traffic_advice
from controlsurface.client.advice.advice_context import AdviceContext
from controlsurface.client.advice.advice_row import CheckedRule, RuleFinding, advice_table
from controlsurface.client.arrow_tables import (
    COUNT,
    FIGURE,
    MAYBE_TEXT,
    NUMBER,
    TEXT,
    TIME,
    columns,
    list_of,
    one_of,
    record,
)
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.query.arguments import WeekRange

ADVICE_RULES: Mapping[str, tuple[str, Callable[[AdviceContext], RuleFinding]]] = {
    "escalation": ("task types that escalate more than 20 %", lane_advice.advise_escalation),
    "route_down": ("large answers that a small lane gives as well", lane_advice.advise_route_down),
    "route_up": ("small answers that a large lane contradicts", lane_advice.advise_route_up),
    "large_is_worse": (
        "task types that the large lane answers worse, by graded pairs",
        lane_advice.advise_large_is_worse,
    ),
    "strong_is_worse": ("gates that large answers fail more often than small ones", lane_advice.advise_strong_is_worse),
    "overhead": ("a router that costs more than it saves", cost_advice.advise_overhead),
    "break_even": ("too few requests for what the router costs a month", cost_advice.advise_break_even),
    "debugging": ("incidents that cost more than the calls", cost_advice.advise_debugging),
    "repetitive": ("few task types that are most of the traffic", traffic_advice.advise_repetitive_traffic),
    "cache": ("prompts that a cache would answer", traffic_advice.advise_caching),
    "blast_radius": ("task types of high blast radius that nothing checks", profile_advice.advise_unchecked_harm),
    "usage": ("calls without token counts", cost_advice.advise_missing_usage),
    "unpriced": ("models without a price", cost_advice.advise_unpriced),
    "batchable": ("jobs sent in real time", cost_advice.advise_batching),
    "window": ("inputs that fill a small lane's window", cost_advice.advise_full_windows),
    "growth": ("answers that grow from day to day", change_advice.advise_output_growth),
    "stale_thresholds": ("thresholds older than the last model or price", change_advice.advise_stale_thresholds),
}


@dataclass(frozen=True, slots=True)
class AdviceQuery(Query[Result]):
    """What to do. Rows are those of `finding.Advice`, ranked; facts: start, end, rules, folded.

    `rules` are all that were asked; `folded` the dimensions of which only the `limits.answer_values` largest values
    were looked at.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/advice",
        "advice",
        "What to do, by built-in rules, with the figures it rests on; and which rules had too little to go by",
        columns(
            **dict.fromkeys(("rule", "title", "why", "metric", "unit", "page"), TEXT),
            value=NUMBER,
            low=FIGURE,
            high=FIGURE,
            n=COUNT,
            where=MAYBE_TEXT,
            share=NUMBER,
        ),
        columns(
            start=TIME,
            end=TIME,
            rules=list_of(
                record(
                    rule=TEXT,
                    looks_for=TEXT,
                    n=COUNT,
                    state=one_of("found", "nothing", "too few", "no data", "window too short"),
                )
            ),
        ),
        rows="advice",
    )
    arguments: WeekRange

    def run(self, session: StoreSession) -> Result:
        """Every rule's answer."""
        ask = AdviceContext(session, *self.arguments.window)
        found = {name: rule(ask) for name, (_, rule) in ADVICE_RULES.items()}
        checked = [CheckedRule(name, ADVICE_RULES[name][0], each.state, each.n) for name, each in found.items()]
        facts: dict[str, Any] = {"start": ask.start.isoformat(), "end": ask.end.isoformat()}
        facts["folded"] = sorted(ask.folded)
        advice = [one for each in found.values() for one in each.advice]
        return Result(advice_table(advice), facts | {"rules": [asdict(each) for each in checked]})
