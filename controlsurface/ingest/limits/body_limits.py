"""How much work one body may make, by the keys of `[receiver]`."""

from collections.abc import MutableSequence
from dataclasses import dataclass
from typing import Any

from controlsurface import config
from controlsurface.errors import OverLimit


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a body may hold; the names are those of the configuration."""

    max_items: int
    max_fields: int
    max_attributes: int
    max_events: int
    max_names: int

    @classmethod
    def of(cls, receiver: config.ReceiverConfig) -> "BodyLimits":
        """As configured."""
        return cls(**{name: getattr(receiver, name) for name in cls.__slots__})

    def items(self, count: int) -> None:
        """Raises OverLimit where so many spans, records, points, resources and scopes are too many."""
        if count > self.max_items:
            raise OverLimit(
                f"the body has more than {self.max_items} spans, log records, data points, resources and scopes; "
                "send smaller batches, or raise receiver.max_items"
            )

    def fields(self, count: float) -> None:
        """Raises OverLimit where so many fields are too many."""
        if count > self.max_fields:
            raise OverLimit(
                f"the body has more than {self.max_fields} fields; send smaller batches, or raise receiver.max_fields"
            )


DEFAULT_BODY_LIMITS = BodyLimits.of(config.ReceiverConfig())
_FIELDS_PER_INSPECTION = 8  # a field that must be looked at in Python costs as much as so many that are decoded


class BodyBudget:
    """The looks that one body may cost, and what was cut off it."""

    def __init__(self, limits: BodyLimits) -> None:
        self.limits = limits
        self.begin()

    def begin(self) -> None:
        """Another body comes."""
        self._left = self.limits.max_fields // _FIELDS_PER_INSPECTION
        self._names = self.limits.max_names
        self.trimmed = 0

    def name(self) -> None:
        """An attribute name that was not met before. Raises OverLimit where there are too many."""
        self._names -= 1
        if self._names < 0:
            raise OverLimit(
                f"the body has more than {self.limits.max_names} attribute names that were never sent before; "
                "put what varies into values, or raise receiver.max_names"
            )

    def spend(self, looks: int) -> None:
        """Raises OverLimit where the body makes more work than one may."""
        self._left -= looks
        if self._left < 0:
            raise OverLimit(
                f"more than {self.limits.max_fields // _FIELDS_PER_INSPECTION} attributes, events, links "
                "and nested values of the body "
                "must be looked at one by one; send smaller batches, or raise receiver.max_fields"
            )

    def attributes(self, owner: Any, field: str = "attributes") -> bool:
        """Cut attributes over the limit off a message, which counts them; whether there were any."""
        return self.cut(owner, getattr(owner, field), self.limits.max_attributes, "dropped_attributes_count")

    def cut(self, owner: Any, parts: MutableSequence[Any], most: int, counter: str) -> bool:
        """Cut a list to its first parts; whether it was longer."""
        over = len(parts) - most
        if over <= 0:
            return False
        del parts[most:]
        self.trimmed += over
        if counter in owner.DESCRIPTOR.fields_by_name:
            setattr(owner, counter, min(getattr(owner, counter) + over, 0xFFFF_FFFF))
        return True
