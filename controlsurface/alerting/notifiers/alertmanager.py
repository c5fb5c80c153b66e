"""Prometheus Alertmanager, API v2: it is told what fires again and again, and forgets what it is not told."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from controlsurface.alerting.notifiers.egress_policy import EgressPolicy
from controlsurface.alerting.notifiers.http_post import PostEndpoint
from controlsurface.alerting.notifiers.notifier_base import NotificationPayload, resolve_url
from controlsurface.clock import wall_time
from controlsurface.config.alert_delivery import AlertmanagerConfig

RESEND_VALIDITY_FACTOR = 4  # times `resend`, as Prometheus has it (rules/alerting.go, sendAlerts), so that two may fail


class AlertmanagerNotifier:
    """One server. `now` is no clock that jumps: an end in the past is a resolution there."""

    def __init__(
        self, channel: AlertmanagerConfig, gate: EgressPolicy, now: Callable[[], datetime] = wall_time
    ) -> None:
        url = resolve_url(channel.url).rstrip("/") + "/api/v2/alerts"
        self._endpoint = PostEndpoint(url, gate, channel.timeout.total_seconds())
        self._valid = RESEND_VALIDITY_FACTOR * channel.resend
        self._now = now

    def send(self, payload: NotificationPayload) -> None:
        """POST all alerts of the message; those that fire are valid until they are not said again."""
        until = self._now() + self._valid
        body = orjson.dumps([alertmanager_alert(alert, until) for alert in payload["alerts"]])
        self._endpoint.post_json(body)


def alertmanager_alert(alert: NotificationPayload, until: datetime) -> dict[str, Any]:
    """One alert in Alertmanager's words; annotations and labels are text there."""
    facts = {name: str(alert[name]) for name in ("title", "since", "before", "after", "n") if alert[name] is not None}
    about = facts | alert["annotations"] | {"why": alert["why"]["sentence"]}
    return {
        "labels": alert["labels"],
        "annotations": {name: text for name, text in about.items() if text},
        "startsAt": alert["starts_at"],
        "endsAt": alert["ends_at"] or until.isoformat(),
        "generatorURL": alert["links"]["dashboard"],
    }
