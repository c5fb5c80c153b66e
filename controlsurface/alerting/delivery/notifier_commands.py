"""The configured notifiers, and a test message to one of them, sent as an alert would be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any, ClassVar
from uuid import uuid4

from pydantic import Field

from controlsurface.alerting.delivery.dispatcher import create_notifiers
from controlsurface.alerting.delivery.notification_payload import alert_payload, message_payload
from controlsurface.alerting.delivery.outbox import OutboxMessage
from controlsurface.alerting.model import AlertSnapshot, Episode
from controlsurface.client.arrow_tables import FLAG, MAYBE_TEXT, NUMBER, TEXT, TIME, column_table, columns
from controlsurface.client.query_protocol import Command, PlainQuery, ReadEndpoint, Result, StoreSession, WriteEndpoint
from controlsurface.errors import NotFound, did_you_mean
from controlsurface.query.arguments import Arguments, ArgumentText

TEST_ALERT = "TestNotification"
_NOTIFIER = columns(name=TEXT, kind=TEXT, send_resolved=FLAG, sent_at=TIME, problem=MAYBE_TEXT)
_LAST_SQL = """
SELECT notifier, max(sent_at) AS sent_at, arg_max(problem, number) AS problem FROM outbox GROUP BY notifier
"""


class NotifiersQuery(PlainQuery[Result]):
    """The notifiers of the configuration: name, kind, send_resolved, when it was last sent to, and its last problem."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/notifiers", "notifiers", "The configured notifiers, without their secrets", _NOTIFIER, rows="notifiers"
    )

    def run(self, session: StoreSession) -> Result:
        """From the configuration and the outbox."""
        last = {row["notifier"]: row for row in session.state(_LAST_SQL).to_pylist()}
        rows = [
            {
                "name": name,
                "kind": each.kind,
                "send_resolved": each.send_resolved,
                "sent_at": last.get(name, {}).get("sent_at"),
                "problem": last.get(name, {}).get("problem"),
            }
            for name, each in session.config.delivery.notifiers.items()
        ]
        return Result(column_table(rows, _NOTIFIER))


class TestMessage(Arguments):
    """What the test says."""

    __test__ = False  # it is no test of ours

    rule: ArgumentText = Field(TEST_ALERT, min_length=1, description="the alert's name")
    labels: dict[str, ArgumentText] = Field(default_factory=dict, max_length=50, description="further labels")
    who: ArgumentText = Field("", description="who sends it")


@dataclass(frozen=True, slots=True)
class SendTestMessage(Command):
    """Send a message now, past routes and silences. Raises NotFound, ConfigError, Undelivered; none names a secret."""

    endpoint: ClassVar = WriteEndpoint(
        "/api/v1/notifiers/{notifier}/test",
        "send_test",
        "Send a test message to a notifier, as an alert that fires would be sent",
        columns(notifier=TEXT, kind=TEXT, title=TEXT, elapsed_ms=NUMBER),
        status=200,
        author="who",
        problems=("404", "409", "503"),
    )
    notifier: str
    body: TestMessage = field(default_factory=TestMessage)

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """To the receiver, which has it once this returns."""
        section, began = session.config.delivery, perf_counter()
        if self.notifier not in section.notifiers:
            known = section.notifiers
            raise NotFound(f"no notifier named '{self.notifier[:100]}'{did_you_mean(self.notifier, known)}")
        alone = section.model_copy(update={"notifiers": {self.notifier: section.notifiers[self.notifier]}})
        payload = compose_test_payload(self.body, section.dashboard, datetime.now(UTC))
        create_notifiers(alone)[self.notifier].send(payload)
        took_ms = round((perf_counter() - began) * 1e3, 3)
        kind = section.notifiers[self.notifier].kind
        return {"notifier": self.notifier, "kind": kind, "title": payload["title"], "elapsed_ms": took_ms}


def compose_test_payload(said: TestMessage, dashboard: str, now: datetime) -> dict[str, Any]:
    """What all channels show of a test: an alert that says that it is none."""
    by = f" by {said.who}" if said.who else ""
    summary = f"A test of this notifier, sent{by} from Control Surface. Nothing is wrong."
    labels = {"alertname": said.rule, "severity": "info", **said.labels}
    facts = AlertSnapshot(rule=said.rule, kind="test", annotations={"summary": summary})
    episode = Episode(uuid4().hex, labels, now - timedelta(seconds=1), None, facts)
    message = OutboxMessage(
        uuid4().hex, "", "test", {"alertname": said.rule}, "test", (episode,), (), None, 0, now, now
    )
    return message_payload(message, [alert_payload(episode, None, dashboard)])
