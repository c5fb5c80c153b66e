"""Built-in advice: each rule reads a few metrics and says what to do, with its figures, or that it cannot."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from pydantic import Field

from controlsurface.metrics.arguments import TimeRange
from controlsurface.metrics.times import Instant
from controlsurface.reader.advice import change, lanes, money, usage
from controlsurface.reader.advice.finding import Checked, Found, table
from controlsurface.reader.advice.window import Asker, asker
from controlsurface.reader.asking import Answer, Ground, Query, ReadEndpoint
from controlsurface.reader.columns import COUNT, FIGURE, MAYBE_TEXT, NUMBER, TEXT, TIME, columns, many, one_of, record

RULES: Mapping[str, tuple[str, Callable[[Asker], Found]]] = {
    "escalation": ("task types that escalate more than 20 %", lanes.escalation),
    "route_down": ("large answers that a small lane gives as well", lanes.route_down),
    "route_up": ("small answers that a large lane contradicts", lanes.route_up),
    "large_is_worse": ("task types that the large lane answers worse, by graded pairs", lanes.large_is_worse),
    "strong_is_worse": ("gates that large answers fail more often than small ones", lanes.strong_is_worse),
    "overhead": ("a router that costs more than it saves", money.overhead),
    "usage": ("calls without token counts", usage.missing),
    "unpriced": ("models without a price", money.unpriced),
    "batchable": ("jobs sent in real time", money.batchable),
    "window": ("inputs that fill a small lane's window", money.window),
    "growth": ("answers that grow from day to day", change.growth),
    "stale_thresholds": ("thresholds older than the last model or price", change.stale_thresholds),
}


class AdviceArgs(TimeRange):
    """A window; by itself the last seven days."""

    start: Instant | None = Field(None, description="first moment, RFC 3339 or relative (-7d); none: 7 days before end")
    end: Instant | None = Field(None, description="moment after the last; none: now")


@dataclass(frozen=True, slots=True)
class Advised(Query[Answer]):
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
            rules=many(
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
    arguments: AdviceArgs

    def answered(self, ground: Ground) -> Answer:
        """Every rule's answer."""
        ask = asker(ground, self.arguments.start, self.arguments.end)
        found = {name: rule(ask) for name, (_, rule) in RULES.items()}
        checked = [Checked(name, RULES[name][0], each.state, each.n) for name, each in found.items()]
        facts: dict[str, Any] = {"start": ask.start.isoformat(), "end": ask.end.isoformat()}
        facts["folded"] = sorted(ask.folded)
        advice = [one for each in found.values() for one in each.advice]
        return Answer(table(advice), facts | {"rules": [asdict(each) for each in checked]})
