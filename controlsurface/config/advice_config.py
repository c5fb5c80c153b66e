"""What the built-in advice goes by, where the traffic cannot tell."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from controlsurface.config.section import ConfigSection, Duration


class AdviceConfig(ConfigSection):
    """What a cache would be like, and what the router costs whether or not it is used."""

    cache_ttl: Annotated[Duration, Field(ge=timedelta(minutes=1), le=timedelta(days=30))] = Field(
        timedelta(hours=1), description="how long a cache would keep an answer, for advice about repeated prompts"
    )
    cache_across_tenants: bool = Field(
        False, description="such a cache would answer one tenant with what another one's call was answered"
    )
    classifier_accuracy: float = Field(
        0, ge=0, le=1, description="how often a classifier tells rightly which lane a request belongs to; 0: not known"
    )
    router_usd_per_month: float = Field(
        0, ge=0, le=1e9, description="what the router costs a month besides its calls, such as a server; 0: not known"
    )
