"""What a way of building the system costs a month at any volume, and the volume at which two of them cost the same.

A month's cost is a line over its requests: a fixed part (own hardware whether or not it is busy, engineers' time, what
the configuration says) and the variable cost of a request. It says what the measured parts would come to elsewhere on
the line, not that they stay what they are: hardware that is full, or incidents that grow with traffic, bend it.
"""

from dataclasses import dataclass

from controlsurface.formatting import format_count

DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True)
class CostLine:
    """`fixed_usd` a month and `usd_per_request` with its interval at 95 %; None: not known, and never taken as 0."""

    name: str
    fixed_usd: float | None
    usd_per_request: float | None
    low: float | None = None
    high: float | None = None

    def monthly(self, requests: float) -> float | None:
        """USD a month for so many requests."""
        if self.fixed_usd is None or self.usd_per_request is None:
            return None
        return self.fixed_usd + self.usd_per_request * requests

    @property
    def ends(self) -> tuple[float, float]:
        """The interval of the cost of a request; the value itself where there is none. Raises ValueError."""
        if self.usd_per_request is None:
            raise ValueError(f"the cost of a request of '{self.name}' is not known")
        one = self.usd_per_request
        return (one if self.low is None else min(self.low, one)), (one if self.high is None else max(self.high, one))


@dataclass(frozen=True, slots=True)
class CostCrossing:
    """Where two lines meet, in requests a month. `below` costs less up to there and `above` from there on.

    `requests` None: the lines do not meet at any volume, and `below` costs less at all of them (equal: None). `low` and
    `high` bound it with both costs of a request anywhere in their intervals; `high` None beside a `low`: or nowhere.
    """

    one: str
    other: str
    requests: float | None = None
    below: str | None = None
    above: str | None = None
    low: float | None = None
    high: float | None = None
    unknown: str = ""


def find_crossing(one: CostLine, other: CostLine) -> CostCrossing:
    """Where the lines of two architectures meet; `unknown` says why nobody can tell."""
    for line in (one, other):
        if line.usd_per_request is None or line.fixed_usd is None:
            part = "the cost of a request" if line.usd_per_request is None else "the fixed cost"
            return CostCrossing(one.name, other.name, unknown=f"{part} of {line.name} is not known")
    first, second = sorted((one, other), key=lambda line: (line.fixed_usd, line.usd_per_request))
    saved = (second.fixed_usd or 0) - (first.fixed_usd or 0)
    rise = (first.usd_per_request or 0) - (second.usd_per_request or 0)
    cheaper = None if not saved and not rise else first.name
    (first_low, first_high), (second_low, second_high) = first.ends, second.ends
    low = saved / (first_high - second_low) if saved and first_high > second_low else None
    high = saved / (first_low - second_high) if saved and first_low > second_high else None
    if saved and rise > 0:
        return CostCrossing(one.name, other.name, saved / rise, first.name, second.name, low, high)
    return CostCrossing(one.name, other.name, None, cheaper, cheaper, low, high)


def crossing_text(found: CostCrossing) -> str:
    """One sentence.

    >>> crossing_text(find_crossing(CostLine("a", 0, 0.02), CostLine("b", 100, 0.01)))
    'a costs less up to 10,000 requests a month, b from there on.'
    >>> crossing_text(find_crossing(CostLine("a", 0, 0.01), CostLine("b", 100, 0.01)))
    'No crossing: a costs less at any volume.'
    """
    if found.unknown:
        return f"Where {found.one} and {found.other} cost the same cannot be told: {found.unknown}."
    if found.requests is not None:
        end = "no upper bound" if found.high is None else format_count(found.high)
        sure = f" (95 %: {format_count(found.low)} to {end})" if found.low not in (None, found.requests) else ""
        about = f"{found.below} costs less up to {format_count(found.requests)} requests a month"
        return f"{about}, {found.above} from there on{sure}."
    if found.below is None:
        return f"No crossing: {found.one} and {found.other} cost the same at any volume."
    unsure = ""
    if found.low is not None:
        unsure = f" Within the intervals of their costs one can lie above {format_count(found.low)} requests a month."
    return f"No crossing: {found.below} costs less at any volume.{unsure}"
