"""What an hour of the people who run the router costs, and what their store does."""

from typing import Annotated

from pydantic import Field

from controlsurface.config.section import ConfigSection

HourlyRate = Annotated[float, Field(ge=0, le=100_000)]


class ControlConfig(ConfigSection):
    """What an hour of an engineer costs; without a rate minutes are counted and have no price."""

    hourly_usd: HourlyRate = Field(0, description="USD an hour of an engineer of any team; 0: not known")
    team_hourly_usd: dict[str, HourlyRate] = Field(
        default_factory=dict, description="USD an hour by team; 0: costs nothing"
    )
    storage_usd_per_gb_month: Annotated[float, Field(ge=0, le=100_000)] | None = Field(
        None, description="USD for 10^9 bytes in the store for a month; 0: costs nothing; none: not known"
    )

    def hourly_of(self, team: str | None) -> float | None:
        """The rate of a team, else that of all; None where there is none."""
        return self.team_hourly_usd.get(team or "", self.hourly_usd or None)
