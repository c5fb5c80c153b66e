"""What changes of the model within sessions cost."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

from controlsurface.client.arrow_tables import COUNT, FIGURE, MAYBE_TEXT, NUMBER, SHARE, TEXT, columns
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.money.switching_costs import SwitchingArgs, render_switching


@dataclass(frozen=True, slots=True)
class SwitchingCostQuery(Query[Result]):
    """What a model's cold prompt cache cost where a session changed to it, the dearest first; rows add up.

    Rows: name (of the dimension `by`), from_model, to_model, switches (weighted), n (stored), known (of those, with an
    estimate), shared_tokens (input that both prompts can have in common), cold_tokens (of those that known switches
    would have read from a cache, the ones they did not), cost_usd (of the known; an estimate), most_usd (its bound),
    warm_share (of shared input read from the cache where to_model is called again) and stays (calls it rests on).
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/switching-cost",
        "switchingCost",
        "What changes of the model within sessions cost: the new model's prompt cache was cold",
        columns(
            name=MAYBE_TEXT,
            **dict.fromkeys(("from_model", "to_model"), TEXT),
            switches=NUMBER,
            **dict.fromkeys(("n", "known"), COUNT),
            **dict.fromkeys(("shared_tokens", "cold_tokens", "cost_usd", "most_usd"), FIGURE),
            warm_share=SHARE,
            stays=COUNT,
        ),
        columns(within_s=FIGURE),
    )
    arguments: SwitchingArgs = field(default_factory=SwitchingArgs)

    def run(self, session: StoreSession) -> Result:
        """From stored calls for users that say their session, model and input tokens."""
        statement = render_switching(self.arguments)
        facts = {"within_s": self.arguments.within / timedelta(seconds=1)}
        return Result(statement.bounded(session.rows(statement)), facts)
