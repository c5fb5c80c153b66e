"""A Slack incoming webhook: title, facts and links as blocks."""

from collections.abc import Iterator
from typing import Any

import orjson

from controlsurface.alerting.messages.alert_text import alert_links, cause_text, context_line
from controlsurface.alerting.notifiers.egress_policy import EgressPolicy
from controlsurface.alerting.notifiers.http_post import PostEndpoint
from controlsurface.alerting.notifiers.notifier_base import NotificationPayload, resolve_url
from controlsurface.config.alert_delivery import SlackConfig
from controlsurface.errors import Undelivered

MAX_ALERT_BLOCKS = 10  # alerts of a message that have a block each; Slack takes 50 blocks
MAX_BLOCK_CHARS = 2900  # characters of a block; Slack takes 3,000


class SlackNotifier:
    """One webhook, which is one channel of Slack."""

    def __init__(self, channel: SlackConfig, gate: EgressPolicy) -> None:
        self._endpoint = PostEndpoint(resolve_url(channel.url), gate, channel.timeout.total_seconds())

    def send(self, payload: NotificationPayload) -> None:
        """POST it; Slack answers `ok` and nothing else when it has it."""
        body = orjson.dumps({"text": _escape(payload["title"]), "blocks": list(_blocks(payload))})
        answer = self._endpoint.post_json(body)
        if answer.body.strip() != b"ok":
            raise Undelivered("the answer to a Slack message was not `ok`")


def _blocks(payload: NotificationPayload) -> Iterator[dict[str, Any]]:
    yield _section(f"*{_escape(payload['title'])}*")
    for alert in payload["alerts"][:MAX_ALERT_BLOCKS]:
        lines = [context_line(alert), cause_text(alert), alert["sparkline"]["text"]]
        told = "\n".join(_escape(line) for line in lines if line)
        linked = " · ".join(f"<{url}|{_escape(name)}>" for name, url in alert_links(alert))
        yield _section(f"*{_escape(alert['title'])}*\n{told}\n{linked}")
    left = len(payload["alerts"]) - MAX_ALERT_BLOCKS
    if left > 0:
        yield _section(f"and {left} more")


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:MAX_BLOCK_CHARS]}}


def _escape(text: str) -> str:
    """The three signs that mean something to Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
