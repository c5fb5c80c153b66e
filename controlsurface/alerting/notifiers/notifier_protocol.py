"""What every channel can do."""

from collections.abc import Mapping
from typing import Any, Protocol

NotificationPayload = Mapping[str, Any]


class AlertNotifier(Protocol):
    """Sends a payload as alerting/payload.py composes it."""

    def send(self, payload: NotificationPayload) -> None:
        """Return when the receiver has it. Raises Undelivered (again later) or Refused (never again)."""
        ...
