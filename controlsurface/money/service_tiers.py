"""Words for how quickly a provider serves a call, where that changes its price."""

import re

# Prefixes that enumerations put before the word itself: SERVICE_TIER_FLEX, ON_DEMAND_PRIORITY.
TIER_PREFIX = "^(service_tier|traffic_type|on_demand)_?"
# Words for the tier that a call has when it names none; what was asked for as `auto` was served as something else.
USUAL_TIER_WORDS = ("", "default", "standard", "auto", "standard_only", "unspecified", "none", "null", "batch")


def service_tier_of(word: str | None) -> str | None:
    """The tier that a word names, None for the usual one; what SQL's macro of the same name says."""
    tier = re.sub(TIER_PREFIX, "", (word or "").strip().lower().replace("-", "_"))
    return None if tier in USUAL_TIER_WORDS else tier
