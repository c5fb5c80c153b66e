"""Every service of the `apprise` package, where that is installed."""

from importlib import import_module
from importlib.util import find_spec

from controlsurface.alerting.notifiers.notifier import Payload
from controlsurface.alerting.notifiers.secrets import secret
from controlsurface.alerting.payload_text import written
from controlsurface.channels import Apprise
from controlsurface.errors import ConfigError, Undelivered


class ToServices:
    """The services of one list of addresses. They resolve and connect by themselves, so no gate stands before them."""

    def __init__(self, channel: Apprise) -> None:
        if find_spec("apprise") is None:
            raise ConfigError("kind = 'apprise' needs a package: pip install 'controlsurface[apprise]'")
        self._services = import_module("apprise").Apprise()
        for line in secret(channel.urls).split():
            if not self._services.add(line):
                raise ConfigError(f"{channel.urls}: apprise does not understand one of the addresses")

    def send(self, payload: Payload) -> None:
        """Tell all services; one that fails makes all be told again."""
        kind = "warning" if payload["state"] == "firing" else "success"
        body = written({**payload, "title": ""}).strip()
        if not self._services.notify(body=body, title=payload["title"], notify_type=kind):
            raise Undelivered("one of apprise's services did not take it")
