"""PagerDuty Events API v2: one event an alert, triggered and resolved under the same dedup key."""

from typing import Any

import orjson

from controlsurface.alerting.messages.alert_text import alert_links
from controlsurface.alerting.notifiers.http_post import EgressPolicy, post_with_deadline
from controlsurface.alerting.notifiers.notifier_base import NotificationPayload, resolve_secret, resolve_url
from controlsurface.config.alert_delivery import PagerDutyConfig
from controlsurface.errors import Undelivered

PAGERDUTY_SEVERITIES = {
    "page": "critical",
    "critical": "critical",
    "error": "error",
    "warning": "warning",
    "info": "info",
}
DETAIL_FIELDS = ("before", "after", "interval", "n", "since", "contributors", "unexplained", "why")
MAX_SUMMARY_CHARS = 1024  # characters of a summary


class PagerDutyNotifier:
    """One integration of one service."""

    def __init__(self, channel: PagerDutyConfig, gate: EgressPolicy) -> None:
        self._key = resolve_secret(channel.routing_key)
        self._url = resolve_url(channel.url)
        self._gate = gate
        self._timeout_s = channel.timeout.total_seconds()

    def send(self, payload: NotificationPayload) -> None:
        """One event for each alert; repeating one that was taken changes nothing there."""
        for alert in payload["alerts"]:
            body = orjson.dumps({"routing_key": self._key, **pagerduty_event(alert)})
            answer = post_with_deadline(
                self._url, body, {"Content-Type": "application/json"}, self._gate, self._timeout_s
            )
            if b'"success"' not in answer.body:
                raise Undelivered("the answer to a PagerDuty event was not `success`")


def pagerduty_event(alert: NotificationPayload) -> dict[str, Any]:
    """The event without its routing key."""
    named = {"dedup_key": alert["key"], "event_action": "trigger" if alert["state"] == "firing" else "resolve"}
    if alert["state"] != "firing":
        return named
    details = {name: alert[name] for name in DETAIL_FIELDS}
    return named | {
        "payload": {
            "summary": alert["title"][:MAX_SUMMARY_CHARS],
            "source": alert["slice"] or "all traffic",
            "severity": PAGERDUTY_SEVERITIES.get(alert["severity"], "warning"),
            "timestamp": alert["starts_at"],
            "group": alert["labels"].get("lane"),
            "class": alert["labels"].get("alertname"),
            "custom_details": details | {"labels": alert["labels"], "event": alert["event"]},
        },
        "client": "Control Surface",
        "client_url": alert["links"]["dashboard"],
        "links": [{"href": url, "text": name} for name, url in alert_links(alert)],
    }
