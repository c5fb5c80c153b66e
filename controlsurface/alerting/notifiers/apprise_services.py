"""Every service of the `apprise` package, where that is installed."""

from importlib import import_module
from importlib.util import find_spec

from controlsurface.alerting.messages.alert_text import payload_as_text
from controlsurface.alerting.notifiers.notifier_base import NotificationPayload, resolve_secret
from controlsurface.config.alert_delivery import AppriseConfig
from controlsurface.errors import ConfigError, Undelivered


class AppriseNotifier:
    """The services of one list of addresses. They resolve and connect by themselves, so no gate stands before them."""

    def __init__(self, channel: AppriseConfig) -> None:
        if find_spec("apprise") is None:
            raise ConfigError("kind = 'apprise' needs a package: pip install 'controlsurface[apprise]'")
        self._services = import_module("apprise").Apprise()
        for line in resolve_secret(channel.urls).split():
            if not self._services.add(line):
                raise ConfigError(f"{channel.urls}: apprise does not understand one of the addresses")

    def send(self, payload: NotificationPayload) -> None:
        """Tell all services; one that fails makes all be told again."""
        kind = "warning" if payload["state"] == "firing" else "success"
        body = payload_as_text({**payload, "title": ""}).strip()
        if not self._services.notify(body=body, title=payload["title"], notify_type=kind):
            raise Undelivered("one of apprise's services did not take it")
