"""Named architectures: which requests belong to which way of building the system."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Annotated

from pydantic import AfterValidator, Field

from controlsurface.config.section import ConfigSection
from controlsurface.errors import did_you_mean

# What is known of a request before it is answered. What came out of it (lane, escalation, error) would sort cheap
# requests into one architecture and dear or failed ones into another, and then compare luck.
ARCHITECTURE_DIMENSIONS = (
    "service environment router router_version task_type tenant team job mode requested_model"
).split()


def _pair(text: str) -> str:
    """A `dimension:value`. Raises ValueError with the nearest dimension."""
    name, colon, _ = text.partition(":")
    if not colon:
        raise ValueError(f"'{text[:80]}' is not dimension:value; write one such as 'service:agent'")
    if name not in ARCHITECTURE_DIMENSIONS:
        raise ValueError(
            f"'{name[:80]}' tells no architecture; only what is known before an answer does: "
            f"{', '.join(ARCHITECTURE_DIMENSIONS)}{did_you_mean(name, ARCHITECTURE_DIMENSIONS)}"
        )
    return text


class ArchitectureConfig(ConfigSection):
    """Which requests an architecture has; of several that match, the first of the file is meant."""

    where: tuple[Annotated[str, AfterValidator(_pair)], ...] = Field(
        min_length=1,
        max_length=100,
        description="dimension:value; any value of one dimension, all dimensions; empty value: unknown",
    )
    monthly_usd: float = Field(
        0, ge=0, le=1e9, description="what else it costs a month at any volume, beside own hardware and engineers"
    )

    @property
    def values(self) -> dict[str, tuple[str | None, ...]]:
        """Each dimension and the values that it may have; None is unknown."""
        found: dict[str, tuple[str | None, ...]] = {}
        for text in self.where:
            name, _, value = text.partition(":")
            found[name] = (*found.get(name, ()), value or None)
        return found


def _possible_names(architectures: dict[str, ArchitectureConfig]) -> dict[str, ArchitectureConfig]:
    """The same. Raises ValueError for a name that no filter could ask for."""
    for name in architectures:
        if not 0 < len(name.strip()) <= 100:
            raise ValueError(f"'{name[:80]}': a name has 1 to 100 characters")
    return architectures


Architectures = Annotated[dict[str, ArchitectureConfig], AfterValidator(_possible_names)]


def overlapping_architectures(architectures: Mapping[str, ArchitectureConfig]) -> Iterator[tuple[str, str]]:
    """Pairs that one request could match both of, in the order of the file; the first of a pair has such a request."""
    for (first, one), (second, other) in combinations(architectures.items(), 2):
        shared = one.values.keys() & other.values.keys()
        if all({*one.values[name]} & {*other.values[name]} for name in shared):
            yield first, second
