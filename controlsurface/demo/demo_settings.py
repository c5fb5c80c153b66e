"""What a simulation depends on, besides the window of time asked for."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from controlsurface.errors import BadRequest, UnknownName

Scenario = Literal["steady", "incident", "drift", "upgrade"]
SCENARIOS: tuple[str, ...] = get_args(Scenario)
DEFAULT_RATE = 1 / 60


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """The same settings give the same spans for the same window, whoever asks and in whatever pieces.

    `rate` is in requests per second, averaged over a week when `rhythm` gives days and nights, constant otherwise.
    `event_at` is when the scenario's event begins: the bad rollout, the drift, the upgrade.
    """

    seed: int = 0
    scenario: str = "steady"
    rate: float = DEFAULT_RATE
    rhythm: bool = True
    event_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            raise UnknownName("scenario", self.scenario, SCENARIOS)
        if not 0 < self.rate <= 2_000:
            raise BadRequest(f"rate {self.rate:g}: give requests a second, above 0 and up to 2000")
        if self.seed < 0:
            raise BadRequest(f"seed {self.seed}: give a whole number from 0")
