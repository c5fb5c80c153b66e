"""Alertmanager's own cases of merging, repeats, batches, resolutions, silences and inhibition: its facts, on our clock.

| published in prometheus/alertmanager                          | here                                               |
|---------------------------------------------------------------|----------------------------------------------------|
| test/with_api_v2/acceptance/send_test.go TestMergeAlerts      | an_alert_told_anew_keeps_its_start...              |
| ... TestRepeat                                                | a_repeat_comes_with_each_look_and_the_end_once     |
| ... TestBatching                                              | what_comes_together_is_told_together               |
| ... TestResolved                                              | a_group_that_is_over_is_told_with_the_next_look    |
| ... TestResolvedFilter                                        | one_who_wants_no_ends_hears_of_the_next_alert_only |
| ... TestRetry, TestReload, TestWebhookTimeout                 | test_delivery_outbox, through a store              |
| test/with_api_v2/acceptance/silence_test.go TestSilencing     | a_silence_takes_an_alert_out_for_as_long_as_it_... |
| ... TestSilenceDelete                                         | the_end_of_a_silence_by_hand_lets_everything_out   |
| test/with_api_v2/acceptance/inhibit_test.go TestInhibiting    | an_inhibited_alert_is_told_again_once_its_source...|
| ... TestAlwaysInhibiting                                      | ends_at_the_same_time_are_told_together            |
| dispatch/group_test.go TestAggrGroup                          | a_group_waits_once_..., what_is_old_is_not_kept... |
| dispatch/dispatch_test.go TestGroups, TestGroupLabels         | alerts_are_grouped_as_published                    |
| ... TestDispatcherRaceOnFirstAlertNotDeliveredWhenGroup...    | without_a_wait_every_group_is_told_at_once         |
| notify/notify_test.go TestDedupStageNeedsUpdate, 11           | test_delivery_decision                             |
| ... TestRetryStageNoResolved, TestRetryStageSendResolved      | one_who_wants_no_ends..., a_repeat_comes_...       |
| ... TestMuteStageWithSilences, TestTimeMuteStage              | test_published_muting                              |

Alerts come here from one place, so two rows of TestMergeAlerts have no counterpart: of two starts the earlier, of two
ends the later one. Our alerts end by being told to, where theirs also end when nobody speaks of them any more.
Our routes are a list, where theirs are a tree; we do not group by all labels, nor limit the number of groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from controlsurface.alerting.delivery.routing import build_routes, route_keys
from controlsurface.alerting.delivery.silences import Silence, end_silence, silence_updates
from controlsurface.alerting.model import AlertSnapshot, Episode
from controlsurface.config.alert_delivery import DeliveryConfig
from controlsurface.config.label_matchers import parse_matcher
from tests.alerting.episode_clock import EPOCH, DeliveryClock, episode

TENTH = timedelta(seconds=0.1)
WEBHOOK = {"kind": "webhook", "url": "http://127.0.0.1"}
EACH_SECOND = {"group_by": [], "group_wait": "1s", "group_interval": "1s", "repeat_interval": "1ms"}

Heard = tuple[float, str, str]  # the second from which it is expected, what fires, and what is over


def moment(second: float) -> datetime:
    """So many seconds after the beginning."""
    return EPOCH + timedelta(seconds=second)


def alert(name: str, start: float, **labels: str) -> Episode:
    """An alert that fires from that second on."""
    return episode(moment(start), None, alertname=name, **labels)


def over(one: Episode, end: float) -> Episode:
    """It, having ended at that second."""
    return replace(one, ends_at=moment(end))


@dataclass
class Story:
    """Alertmanager's acceptance tests: what happens at which second, and within half a second of which one hears."""

    clockwork: DeliveryClock

    def at(self, second: float, *episodes: Episode) -> None:
        """Let time pass until then, and put alerts."""
        self.clockwork.run(TENTH, seconds=(moment(second) - self.clockwork.now).total_seconds())
        self.clockwork.put(*episodes)

    def silenced(self, second: float, silence: Silence, old: Silence | None = None) -> Silence:
        """Put a silence at that second."""
        self.at(second)
        fresh, *ended = silence_updates(silence, old, self.clockwork.now)
        self.clockwork.silences += [fresh, *ended]
        return fresh

    def tells(self, until: float, expected: Sequence[Heard], notifier: str = "ops") -> None:
        """Everything one notifier was sent by then is what was expected, and came in time."""
        self.at(until)
        sent = [(60 * at, each) for at, each in self.clockwork.sent if each.notifier == notifier]
        assert [(names(each.firing), names(each.resolved)) for _, each in sent] == [row[1:] for row in expected]
        late = [round(at - row[0], 3) for (at, _), row in zip(sent, expected, strict=True)]
        assert all(0 <= each <= 0.5 for each in late), late


def names(episodes: Sequence[Episode]) -> str:
    """What tells the alerts of these tests from one another."""
    return " ".join(sorted(each.labels.get("lbl") or each.labels["alertname"] for each in episodes))


def story(inhibit: Sequence[dict[str, Any]] = (), notifiers: dict[str, Any] | None = None, **route: Any) -> Story:
    """A story with one route."""
    known = notifiers or {"ops": WEBHOOK}
    found = {"notifiers": known, "routes": [EACH_SECOND | {"notifiers": list(known)} | route], "inhibit": inhibit}
    return Story(DeliveryClock(DeliveryConfig.model_validate(found)))


def test_an_updated_alert_keeps_its_start_and_takes_the_latest_annotations() -> None:
    said, one = story(group_by=["alertname"]), alert("test", 1)
    words = [replace(one, facts=AlertSnapshot(rule="r", annotations={"ann": word})) for word in ("v1", "v2", "v3")]
    said.at(1, one)
    said.at(2.2, words[0])
    said.at(3.6, words[1])
    said.at(4.6, over(words[2], 4.5))
    said.at(5.3, alert("test", 5.3))
    said.tells(6.5, [(2, "test", ""), (3, "test", ""), (4, "test", ""), (5, "", "test"), (6, "test", "")])
    told = [each for _, sending in said.clockwork.sent for each in (*sending.firing, *sending.resolved)]
    assert [each.starts_at for each in told] == [moment(second) for second in (1, 1, 1, 1, 5.3)]
    assert [each.facts.annotations.get("ann") for each in told] == [None, "v1", "v2", "v3", None]


def test_an_alert_is_repeated_at_each_interval_and_its_resolution_sent_once() -> None:
    said, one = story(group_by=["alertname"]), alert("test", 1)
    said.at(1, one)
    said.at(3.5, over(one, 3))
    said.tells(8, [(2, "test", ""), (3, "test", ""), (4, "", "test")])


def test_alerts_that_arrive_together_are_notified_together() -> None:
    said = story(repeat_interval="4900ms")
    said.at(1.1, alert("test1", 1))
    said.at(1.7, alert("test5", 1))
    said.at(3.3, alert("test2", 1.5), alert("test3", 1.5), alert("test4", 1.6))
    everything = "test1 test2 test3 test4 test5"
    said.tells(9.5, [(2, "test1 test5", ""), (4.1, everything, ""), (9.1, everything, "")])


def test_a_resolved_group_is_notified_at_the_next_interval() -> None:
    said = story(group_by=["alertname"], group_interval="5s", repeat_interval="4h")
    three = [alert("test", 1, lbl=name) for name in ("v1", "v2", "v3")]
    said.at(1, *three)
    said.at(11, *(over(each, 11) for each in three))
    said.tells(13, [(2, "v1 v2 v3", ""), (12, "", "v1 v2 v3")])


def test_a_notifier_without_send_resolved_gets_only_the_next_alert() -> None:
    both = {"ops": WEBHOOK, "quiet": WEBHOOK | {"send_resolved": False}}
    said = story(notifiers=both, group_by=["alertname"], group_interval="5s", repeat_interval="4h")
    v1, v2, v3 = (alert("test", start, lbl=name) for name, start in (("v1", 1), ("v2", 1), ("v3", 3)))
    said.at(1, v1, v2)
    said.at(3, v3)
    said.at(4, over(v1, 4))
    said.at(11, over(v2, 11))
    said.tells(12.5, [(2, "v1 v2", ""), (7, "v2 v3", "v1"), (12, "v3", "v2")])
    said.tells(12.5, [(2, "v1 v2", ""), (7, "v2 v3", "")], notifier="quiet")


def silence(matcher: str, start: float, end: float) -> Silence:
    return Silence("", (parse_matcher(matcher),), moment(start), moment(end), "me", "", EPOCH)


def test_a_silence_takes_an_alert_out_for_as_long_as_it_lasts() -> None:
    said = story()
    said.at(1, alert("test1", 1), alert("test2", 1))
    said.silenced(2.3, silence("alertname=test1", 2.5, 4.5))
    said.tells(5.5, [(2, "test1 test2", ""), (3, "test2", ""), (4, "test2", ""), (5, "test1 test2", "")])


def test_an_expired_silence_releases_all_its_alerts() -> None:
    said = story()
    said.at(1, alert("test1", 1), alert("test2", 1))
    long = said.silenced(1.3, silence('alertname=~".+"', 1.5, 100))
    said.at(3.5)
    said.clockwork.silences = [end_silence(long, moment(3.5))]
    said.tells(4.5, [(4, "test1 test2", "")])


JOB_DOWN = {"source": ["alertname=JobDown"], "target": ["alertname=InstanceDown"], "equal": ["job", "zone"]}


def down(name: str, start: float, zone: str = "aa") -> Episode:
    return alert(name, start, job="testjob", zone=zone, lbl=f"{name}-{zone}")


def test_an_inhibited_alert_is_notified_again_once_its_source_resolves() -> None:
    said, job = story([JOB_DOWN], repeat_interval="1s"), down("JobDown", 2.2)
    said.at(1, down("test1", 1), down("InstanceDown", 1), down("InstanceDown", 1, "ab"))
    said.at(2.2, job)
    said.at(3.6, over(job, 3.6))
    instances = "InstanceDown-aa InstanceDown-ab"
    said.tells(
        4.5,
        [
            (2, f"{instances} test1-aa", ""),
            (3, "InstanceDown-ab JobDown-aa test1-aa", ""),
            (4, f"{instances} test1-aa", "JobDown-aa"),
        ],
    )


def test_resolutions_at_the_same_time_are_notified_together() -> None:
    said, both = story([JOB_DOWN], repeat_interval="1s"), (down("InstanceDown", 1), down("JobDown", 1))
    said.at(1, *both)
    said.at(2.6, *(over(each, 2.6) for each in both))
    said.tells(8, [(2, "JobDown-aa", ""), (3, "", "InstanceDown-aa JobDown-aa")])


def test_a_group_waits_once_and_then_for_its_interval() -> None:
    said = story(group_by=["a", "b"], group_interval="300ms")
    said.at(0, alert("a1", 60, a="v1", b="v2"))
    said.at(1.2, alert("a3", 60, a="v1", b="v2"))
    said.tells(2.2, [(1, "a1", ""), (1.3, "a1 a3", ""), (1.6, "a1 a3", ""), (1.9, "a1 a3", "")])


def test_an_old_alert_skips_the_group_wait_and_a_resolved_one_leaves_with_its_notification() -> None:
    said = story(group_by=["a", "b"], group_interval="300ms")
    a1, a2, a3 = (alert(name, start, a="v1", b="v2") for name, start in (("a1", 60), ("a2", -3600), ("a3", 60)))
    said.at(0, a1, a2)
    said.at(0.2, a3)
    said.at(0.5, over(a1, 0.5))
    said.at(0.8, over(a2, 0.8), over(a3, 0.8))
    said.tells(5, [(0, "a1 a2", ""), (0.3, "a1 a2 a3", ""), (0.6, "a2 a3", "a1"), (0.9, "", "a2 a3")])
    assert not said.clockwork.desk.groups


PUBLISHED = [
    ({"alertname": "OtherAlert", "cluster": "cc", "service": "dd"}, {"prod": "OtherAlert"}),
    (
        {"alertname": "TestingAlert", "env": "testing", "service": "api", "instance": "inst1"},
        {"testing": "TestingAlert api"},
    ),
    (
        {"alertname": "HighErrorRate", "env": "prod", "cluster": "aa", "service": "api", "instance": "inst1"},
        {"prod": "HighErrorRate aa api"},
    ),
    (
        {"alertname": "HighErrorRate", "env": "prod", "cluster": "aa", "service": "api", "instance": "inst2"},
        {"prod": "HighErrorRate aa api"},
    ),
    (
        {"alertname": "HighErrorRate", "env": "prod", "cluster": "bb", "service": "api", "instance": "inst1"},
        {"prod": "HighErrorRate bb api"},
    ),
    (
        {"alertname": "HighLatency", "env": "prod", "cluster": "bb", "service": "db", "kafka": "yes"},
        {"kafka": "HighLatency bb db", "prod": "HighLatency bb db"},
    ),
]


def test_alerts_are_grouped_as_published() -> None:
    by = ["alertname", "service", "cluster"]
    sections = [
        {"matchers": ["env=testing"], "notifiers": ["testing"], "group_by": by[:2]},
        {"matchers": ["kafka=yes"], "notifiers": ["kafka"], "group_by": by, "further": True},
        {"matchers": ["env=prod"], "notifiers": ["prod"], "group_by": by},
        {"notifiers": ["prod"], "group_by": by[:1]},
    ]
    channels = dict.fromkeys(("kafka", "prod", "testing"), WEBHOOK)
    known = build_routes(DeliveryConfig.model_validate({"notifiers": channels, "routes": sections}))
    found = [list(route_keys(labels, known)) for labels, _ in PUBLISHED]
    for taken, (_, expected) in zip(found, PUBLISHED, strict=True):
        assert {r.targets[0].name: " ".join(v for _, v in sorted(shared.items())) for r, _, shared in taken} == expected
    assert len({key for taken in found for _, key, _ in taken}) == 6


def test_a_group_wait_of_zero_notifies_every_group_at_once() -> None:
    said = story(group_by=["alertname"], group_wait="0s", group_interval="1h", repeat_interval="1h")
    said.at(0, *(alert(f"Alert_{i}", -60) for i in range(5000)))
    said.at(0.1)
    assert len(said.clockwork.sent) == 5000
    assert {len(each.firing) for _, each in said.clockwork.sent} == {1}
