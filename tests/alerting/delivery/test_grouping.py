"""Groups, waits and repeats on a virtual clock; Alertmanager's own cases are in `test_published_delivery`."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controlsurface.alerting.delivery.grouping import DeliveryState
from controlsurface.alerting.delivery.silences import Silence
from controlsurface.config.alert_delivery import DeliveryConfig
from controlsurface.config.label_matchers import parse_matcher
from tests.alerting.episode_clock import EPOCH, DeliveryClock, episode

WEBHOOK = {"kind": "webhook", "url": "http://127.0.0.1"}
MINUTE = timedelta(minutes=1)


def delivery(*routes: dict[str, Any], **notifiers: dict[str, Any]) -> DeliveryConfig:
    return DeliveryConfig.model_validate({"notifiers": notifiers or {"ops": WEBHOOK}, "routes": routes})


@pytest.fixture
def clockwork() -> DeliveryClock:
    return DeliveryClock(delivery())


def test_alerts_of_one_name_and_lane_make_one_message_after_the_group_wait(clockwork: DeliveryClock) -> None:
    clockwork.put(episode(lane="small", task_type="code"), episode(lane="small", task_type="chat"))
    assert clockwork.run(seconds=25) == []
    (sending,) = clockwork.run(seconds=10)
    assert sending.reason == "new"
    assert {each.labels["task_type"] for each in sending.firing} == {"code", "chat"}
    assert sending.labels == {"alertname": "High", "lane": "small"}


def test_groups_of_different_lanes_get_separate_notifications(clockwork: DeliveryClock) -> None:
    clockwork.put(episode(lane="small"), episode(lane="large"))
    assert len(clockwork.run(minutes=1)) == 2


def test_an_alert_older_than_the_group_wait_is_notified_at_once(clockwork: DeliveryClock) -> None:
    clockwork.put(episode(EPOCH - MINUTE))
    assert len(clockwork.run(seconds=5)) == 1


def test_an_alert_that_joins_a_group_is_notified_at_the_next_group_interval(clockwork: DeliveryClock) -> None:
    clockwork.put(episode(task_type="code"))
    clockwork.run(minutes=1)
    clockwork.put(episode(clockwork.now, task_type="chat"))
    assert clockwork.run(minutes=4) == []
    (sending,) = clockwork.run(minutes=1)
    assert sending.reason == "grown"
    assert len(sending.firing) == 2


def test_an_unchanged_group_is_repeated_after_four_hours(clockwork: DeliveryClock) -> None:
    clockwork.put(episode())
    clockwork.run(MINUTE, minutes=2)
    assert clockwork.run(MINUTE, hours=3, minutes=58) == []
    assert [each.reason for each in clockwork.run(MINUTE, minutes=10)] == ["repeat"]


def test_a_resolution_is_notified_once_and_its_group_forgotten(clockwork: DeliveryClock) -> None:
    alert = episode()
    clockwork.put(alert)
    clockwork.run(minutes=1)
    clockwork.put(replace(alert, ends_at=clockwork.now))
    (sending,) = clockwork.run(minutes=10)
    assert (sending.reason, sending.firing, len(sending.resolved)) == ("resolved", (), 1)
    assert clockwork.desk == DeliveryState()


def test_a_resolved_alert_is_notified_with_the_firing_rest_of_its_group(clockwork: DeliveryClock) -> None:
    one, other = episode(task_type="code"), episode(task_type="chat")
    clockwork.put(one, other)
    clockwork.run(minutes=1)
    clockwork.put(replace(one, ends_at=clockwork.now))
    (sending,) = clockwork.run(minutes=10)
    assert (sending.reason, len(sending.firing), len(sending.resolved)) == ("partly resolved", 1, 1)


def test_an_alert_resolved_within_the_group_wait_is_not_notified(clockwork: DeliveryClock) -> None:
    alert = episode()
    clockwork.put(alert)
    clockwork.run(seconds=10)
    clockwork.put(replace(alert, ends_at=clockwork.now))
    assert clockwork.run(minutes=10) == []
    assert clockwork.desk == DeliveryState()


def test_a_resolution_of_an_alert_never_notified_sends_nothing(clockwork: DeliveryClock) -> None:
    clockwork.put(episode(task_type="code"))
    clockwork.run(minutes=1)
    short = episode(clockwork.now, task_type="chat")
    clockwork.put(short)
    clockwork.run(minutes=1)
    clockwork.put(replace(short, ends_at=clockwork.now))
    assert clockwork.run(minutes=10) == []
    assert [each.labels["task_type"] for each in clockwork.desk.episodes] == ["code"]


def test_an_alert_that_comes_back_is_a_new_episode(clockwork: DeliveryClock) -> None:
    alert = episode()
    clockwork.put(alert)
    clockwork.run(minutes=1)
    clockwork.put(replace(alert, ends_at=clockwork.now), episode(clockwork.now))
    (sending,) = clockwork.run(minutes=6)
    assert (sending.reason, len(sending.firing), len(sending.resolved)) == ("grown", 1, 1)


def test_a_notifier_without_send_resolved_gets_no_resolution_but_the_next_alert() -> None:
    clockwork = DeliveryClock(delivery(ops=WEBHOOK | {"send_resolved": False}))
    alert = episode()
    clockwork.put(alert)
    clockwork.run(minutes=1)
    clockwork.put(replace(alert, ends_at=clockwork.now))
    assert clockwork.run(minutes=10) == []
    clockwork.put(episode(clockwork.now))
    assert [each.reason for each in clockwork.run(minutes=1)] == ["new"]


def test_the_first_route_that_matches_is_taken_and_further_ones_when_it_says_so() -> None:
    page = {"matchers": ["severity=page"], "notifiers": ["pager"], "further": True}
    pager, ops = WEBHOOK, WEBHOOK
    clockwork = DeliveryClock(delivery(page, {"notifiers": ["ops"]}, {"notifiers": ["pager"]}, pager=pager, ops=ops))
    clockwork.put(episode(severity="page"), episode(severity="warn"))
    assert sorted(each.notifier for each in clockwork.run(minutes=1)) == ["ops", "pager"]
    clockwork.put(episode(severity="warn", lane="x"))
    assert [each.notifier for each in clockwork.run(minutes=1)] == ["ops"]


def test_alertmanager_is_notified_at_once_every_minute_and_of_a_resolution_for_fifteen_minutes() -> None:
    clockwork = DeliveryClock(delivery(am={"kind": "alertmanager", "url": "http://127.0.0.1"}))
    alert = episode()
    clockwork.put(alert)
    assert [each.reason for each in clockwork.run(seconds=5)] == ["new"]
    assert [each.reason for each in clockwork.run(minutes=3, seconds=15)] == ["repeat"] * 3
    clockwork.put(replace(alert, ends_at=clockwork.now))
    ends = clockwork.run(minutes=30)
    assert [each.reason for each in ends] == ["resolved", *["repeat"] * 13]
    assert clockwork.desk == DeliveryState()


def test_a_repeat_is_not_queued_behind_a_waiting_notification(clockwork: DeliveryClock) -> None:
    clockwork.put(episode())
    (sending,) = clockwork.run(minutes=1)
    clockwork.desk = replace(clockwork.desk, waiting=frozenset({(sending.group, "ops")}))
    assert clockwork.run(MINUTE, hours=5) == []


def add_silence(clockwork: DeliveryClock, matcher: str, minutes: float) -> None:
    ends = clockwork.now + timedelta(minutes=minutes)
    clockwork.silences.append(Silence("s", (parse_matcher(matcher),), clockwork.now, ends, "me", "", clockwork.now))


def test_a_silenced_alert_is_notified_when_the_silence_ends(clockwork: DeliveryClock) -> None:
    add_silence(clockwork, "task_type=code", minutes=20)
    clockwork.put(episode(task_type="code"), episode(task_type="chat"))
    (sending,) = clockwork.run(minutes=19)
    assert [each.labels["task_type"] for each in sending.firing] == ["chat"]
    assert [each.reason for each in clockwork.run(minutes=7)] == ["grown"]


def test_a_silenced_resolution_is_notified_after_the_silence(clockwork: DeliveryClock) -> None:
    alert = episode(task_type="code")
    clockwork.put(alert)
    clockwork.run(minutes=1)
    add_silence(clockwork, "task_type=code", minutes=60)
    clockwork.put(replace(alert, ends_at=clockwork.now))
    assert clockwork.run(MINUTE, minutes=59) == []
    assert [each.reason for each in clockwork.run(MINUTE, minutes=10)] == ["resolved"]
