"""What every channel can do."""

from collections.abc import Mapping
from typing import Any, Protocol

Payload = Mapping[str, Any]


class Notifier(Protocol):
    """Sends a payload as alerting/payload.py composes it."""

    def send(self, payload: Payload) -> None:
        """Return when the receiver has it. Raises Undelivered (again later) or Refused (never again)."""
        ...
