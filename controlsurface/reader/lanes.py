"""The lanes in force as rows, and what can change them."""

from collections.abc import Mapping
from typing import Protocol

import pyarrow as pa

from controlsurface.config import Config, Lane
from controlsurface.metrics.claims import Claim

_TYPES: dict[str, pa.DataType] = {"name": pa.string(), "escalation": pa.bool_(), "models": pa.list_(pa.string())}


class Lanes(Protocol):
    """Knows the lanes, and can put a model into one."""

    @property
    def config(self) -> Config:
        """The configuration in force, its lanes cheap to dear."""
        ...

    def in_force(self) -> Mapping[str, Lane]:
        """The lanes with their models, written or assumed."""
        ...

    def claim(self, claim: Claim) -> None:
        """Put a model into a lane. Raises UnknownName, BadRequest, ConfigError."""
        ...


def listed(lanes: Mapping[str, Lane]) -> pa.Table:
    """Name, escalation and models of each lane, in order."""
    rows = [{"name": name, "escalation": lane.escalation, "models": [*lane.models]} for name, lane in lanes.items()]
    return pa.Table.from_pylist(rows, pa.schema(_TYPES))
