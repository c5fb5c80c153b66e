"""PagerDuty Events API v2: one event an alert, triggered and resolved under the same dedup key."""

from typing import Any

import orjson

from controlsurface.alerting.messages.alert_text import alert_links
from controlsurface.alerting.notifiers.egress_policy import EgressPolicy
from controlsurface.alerting.notifiers.http_post import PostEndpoint
from controlsurface.alerting.notifiers.notifier_base import NotificationPayload, resolve_secret, resolve_url
from controlsurface.config.alert_delivery import PagerDutyConfig
from controlsurface.errors import Undelivered

PAGERDUTY_SEVERITIES = {"page": "critical"} | {name: name for name in ("critical", "error", "warning", "info")}
DETAIL_FIELDS = ("before", "after", "interval", "n", "since", "contributors", "unexplained", "why")
MAX_SUMMARY_CHARS = 1024  # characters of a summary


class PagerDutyNotifier:
    """One integration of one service."""

    def __init__(self, channel: PagerDutyConfig, gate: EgressPolicy) -> None:
        self._key = resolve_secret(channel.routing_key)
        self._endpoint = PostEndpoint(resolve_url(channel.url), gate, channel.timeout.total_seconds())

    def send(self, payload: NotificationPayload) -> None:
        """One event for each alert; repeating one that was taken changes nothing there."""
        for alert in payload["alerts"]:
            body = orjson.dumps({"routing_key": self._key, **pagerduty_event(alert)})
            if b'"success"' not in self._endpoint.post_json(body).body:
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
