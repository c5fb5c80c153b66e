"""A line in the server's log for each message."""

import logging

from controlsurface.alerting.notifiers.notifier_base import NotificationPayload

_log = logging.getLogger("delivery")


class LogNotifier:
    """Nobody is woken."""

    def send(self, payload: NotificationPayload) -> None:
        """Write its title."""
        _log.info("message: %s", payload["title"])
