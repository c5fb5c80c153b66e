"""What receivers are told by a machine whose clock is set."""

from datetime import datetime, timedelta
from ipaddress import ip_network

import pytest

from controlsurface.alerting.delivery.notification_payload import alert_payload
from controlsurface.alerting.notifiers import EgressPolicy, create_notifier
from controlsurface.config.alert_delivery import AlertmanagerConfig
from tests.alerting.episode_clock import episode
from tests.alerting.fake_receivers import http_sink
from tests.alerting.rule_sets import NOW
from tests.clock.machine import Machine


@pytest.mark.parametrize("by", [timedelta(days=2), -timedelta(days=2)], ids=["ahead", "back"])
def test_an_alertmanager_neither_ends_nor_keeps_an_alert_because_the_clock_was_set(by: timedelta) -> None:
    machine = Machine()
    with http_sink() as sink:
        channel = AlertmanagerConfig(kind="alertmanager", url=sink.url)
        notifier = create_notifier(channel, EgressPolicy((ip_network("127.0.0.0/8"),)), machine.clock())
        machine.is_set(by)
        notifier.send({"alerts": [alert_payload(episode(), None, "http://board")]})
    assert datetime.fromisoformat(sink.got[0].json[0]["endsAt"]) == NOW + 4 * channel.resend
