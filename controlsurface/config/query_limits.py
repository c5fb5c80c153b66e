"""How many values a dimension may have, how long they may be, and what one answer may cost."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from controlsurface.config.section import ConfigSection, Duration
from controlsurface.errors import did_you_mean

MIB = 1 << 20
OTHER_VALUE = "(other)"  # what stands for values over a limit

# Dimensions of requests and calls whose values senders choose. The others have a handful of values of ours.
OPEN_DIMENSIONS = (
    "task_type answered_by selected_model requested_model model provider router router_version reason "
    "escalation_reason mode cache error_type operation service_tier tenant team job environment service"
).split()

PositiveInt = Annotated[int, Field(ge=1)]


class LimitsConfig(ConfigSection):
    """How many values a dimension may have, how long they may be, and what one answer may cost."""

    values: int = Field(
        2_000, ge=1, description="different values of a dimension on one day (UTC); the rest is stored as `(other)`"
    )
    values_of: dict[str, PositiveInt] = Field(
        {"tenant": 10_000, "team": 10_000, "job": 10_000}, description="the same by dimension, where it differs"
    )
    value_length: int = Field(
        200, ge=32, le=4_096, description="characters of a value; longer ones are cut and end in `…`"
    )
    answer_values: int = Field(
        100,
        ge=1,
        le=2_000,
        description="values (or combinations) that one answer tells apart, largest first; the rest is `(other)`",
    )
    answer_size: int = Field(64 * MIB, ge=MIB, description="bytes of one answer, over which it is refused with 422")
    audited_requests: int = Field(
        500_000, ge=1_000, description="requests that one question about thresholds reads, over which it is refused"
    )
    query_time: Duration = Field(
        timedelta(seconds=30), description="longest time for one answer, after which it is 504"
    )
    slow_query: Duration = Field(timedelta(seconds=5), description="time from which on a query is logged as slow")
    query_memory: int = Field(400 * MIB, ge=64 * MIB, description="bytes that all queries and batches have together")
    streams: int = Field(500, ge=1, description="streams that one drift rule follows, largest first")

    @model_validator(mode="after")
    def _known(self) -> Self:
        """Refuse a limit of what is no dimension."""
        if strange := sorted({*self.values_of} - {*OPEN_DIMENSIONS}):
            near = did_you_mean(strange[0], OPEN_DIMENSIONS)
            raise ValueError(f"values_of: '{strange[0]}' is no dimension whose values senders choose{near}")
        return self

    def of(self, dimension: str) -> int:
        """How many values a dimension may have on one day."""
        return self.values_of.get(dimension, self.values)
