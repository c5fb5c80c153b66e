"""Prometheus Alertmanager, API v2: it is told what fires again and again, and forgets what it is not told."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from controlsurface.alerting.notifiers.notifier import Payload
from controlsurface.alerting.notifiers.post import Gate, post
from controlsurface.alerting.notifiers.secrets import address
from controlsurface.channels import Alertmanager
from controlsurface.clock import wall

VALID = 4  # times `resend`, as Prometheus has it (rules/alerting.go, sendAlerts), so that two may fail


class ToAlertmanager:
    """One server. `now` is no clock that jumps: an end in the past is a resolution there."""

    def __init__(self, channel: Alertmanager, gate: Gate, now: Callable[[], datetime] = wall) -> None:
        self._url = address(channel.url).rstrip("/") + "/api/v2/alerts"
        self._valid = VALID * channel.resend
        self._gate = gate
        self._now = now
        self._timeout_s = channel.timeout.total_seconds()

    def send(self, payload: Payload) -> None:
        """POST all alerts of the message; those that fire are valid until they are not said again."""
        until = self._now() + self._valid
        body = orjson.dumps([posted(alert, until) for alert in payload["alerts"]])
        post(self._url, body, {"Content-Type": "application/json"}, self._gate, self._timeout_s)


def posted(alert: Payload, until: datetime) -> dict[str, Any]:
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
