"""A Slack incoming webhook: title, facts and links as blocks."""

from collections.abc import Iterator
from typing import Any

import orjson

from controlsurface.alerting.notifiers.notifier import Payload
from controlsurface.alerting.notifiers.post import Gate, post
from controlsurface.alerting.notifiers.secrets import address
from controlsurface.alerting.payload_text import cause, facts_line, links
from controlsurface.channels import Slack
from controlsurface.errors import Undelivered

MOST = 10  # alerts of a message that have a block each; Slack takes 50 blocks
LONGEST = 2900  # characters of a block; Slack takes 3,000


class ToSlack:
    """One webhook, which is one channel of Slack."""

    def __init__(self, channel: Slack, gate: Gate) -> None:
        self._url = address(channel.url)
        self._gate = gate
        self._timeout_s = channel.timeout.total_seconds()

    def send(self, payload: Payload) -> None:
        """POST it; Slack answers `ok` and nothing else when it has it."""
        body = orjson.dumps({"text": _escaped(payload["title"]), "blocks": list(_blocks(payload))})
        answer = post(self._url, body, {"Content-Type": "application/json"}, self._gate, self._timeout_s)
        if answer.body.strip() != b"ok":
            raise Undelivered("the answer to a Slack message was not `ok`")


def _blocks(payload: Payload) -> Iterator[dict[str, Any]]:
    yield _section(f"*{_escaped(payload['title'])}*")
    for alert in payload["alerts"][:MOST]:
        lines = [facts_line(alert), cause(alert), alert["sparkline"]["text"]]
        told = "\n".join(_escaped(line) for line in lines if line)
        linked = " · ".join(f"<{url}|{_escaped(name)}>" for name, url in links(alert))
        yield _section(f"*{_escaped(alert['title'])}*\n{told}\n{linked}")
    left = len(payload["alerts"]) - MOST
    if left > 0:
        yield _section(f"and {left} more")


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:LONGEST]}}


def _escaped(text: str) -> str:
    """The three signs that mean something to Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
