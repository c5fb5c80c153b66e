"""What notifiers share: what each can do, and secrets by reference, which only the environment or a file holds."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from controlsurface.errors import ConfigError

NotificationPayload = Mapping[str, Any]


class AlertNotifier(Protocol):
    """Sends a payload as delivery/notification_payload.py composes it."""

    def send(self, payload: NotificationPayload) -> None:
        """Return when the receiver has it. Raises Undelivered (again later) or Refused (never again)."""


def resolve_secret(reference: str) -> str:
    """What `env:NAME` or `file:/path` holds, without the blanks around it. Raises ConfigError."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        found = os.environ.get(name, "")
    else:
        try:
            found = Path(name).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise ConfigError(f"{reference}: {getattr(problem, 'strerror', None) or 'is no text'}") from None
    if not found.strip():
        raise ConfigError(f"{reference}: holds nothing")
    return found.strip()


def resolve_url(text: str) -> str:
    """An address, or what the reference in its place holds. Raises ConfigError unless it is http or https."""
    found = resolve_secret(text) if text.startswith(("env:", "file:")) else text
    if not found.startswith(("http://", "https://")):
        raise ConfigError(f"{text if found != text else 'url'}: is no http or https address")
    return found
