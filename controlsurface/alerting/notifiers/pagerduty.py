"""PagerDuty Events API v2: one event an alert, triggered and resolved under the same dedup key."""

from typing import Any

import orjson

from controlsurface.alerting.notifiers.notifier import Payload
from controlsurface.alerting.notifiers.post import Gate, post
from controlsurface.alerting.notifiers.secrets import address, secret
from controlsurface.alerting.payload_text import links
from controlsurface.channels import PagerDuty
from controlsurface.errors import Undelivered

SEVERITIES = {"page": "critical", "critical": "critical", "error": "error", "warning": "warning", "info": "info"}
DETAILS = ("before", "after", "interval", "n", "since", "contributors", "unexplained", "why")
LONGEST = 1024  # characters of a summary


class ToPagerDuty:
    """One integration of one service."""

    def __init__(self, channel: PagerDuty, gate: Gate) -> None:
        self._key = secret(channel.routing_key)
        self._url = address(channel.url)
        self._gate = gate
        self._timeout_s = channel.timeout.total_seconds()

    def send(self, payload: Payload) -> None:
        """One event for each alert; repeating one that was taken changes nothing there."""
        for alert in payload["alerts"]:
            body = orjson.dumps({"routing_key": self._key, **event(alert)})
            answer = post(self._url, body, {"Content-Type": "application/json"}, self._gate, self._timeout_s)
            if b'"success"' not in answer.body:
                raise Undelivered("the answer to a PagerDuty event was not `success`")


def event(alert: Payload) -> dict[str, Any]:
    """The event without its routing key."""
    named = {"dedup_key": alert["key"], "event_action": "trigger" if alert["state"] == "firing" else "resolve"}
    if alert["state"] != "firing":
        return named
    details = {name: alert[name] for name in DETAILS}
    return named | {
        "payload": {
            "summary": alert["title"][:LONGEST],
            "source": alert["slice"] or "all traffic",
            "severity": SEVERITIES.get(alert["severity"], "warning"),
            "timestamp": alert["starts_at"],
            "group": alert["labels"].get("lane"),
            "class": alert["labels"].get("alertname"),
            "custom_details": details | {"labels": alert["labels"], "event": alert["event"]},
        },
        "client": "Control Surface",
        "client_url": alert["links"]["dashboard"],
        "links": [{"href": url, "text": name} for name, url in links(alert)],
    }
