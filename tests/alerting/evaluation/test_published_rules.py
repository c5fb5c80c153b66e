"""Prometheus's own cases of alerting, keep-firing, restore, resend and a raised hold: its facts, on a clock of ours.

| published in prometheus/prometheus                        | here                                                   |
|-----------------------------------------------------------|--------------------------------------------------------|
| rules/manager_test.go TestAlertingRule                    | both_instances_live_as_published                       |
| rules/manager_test.go TestForStateAddSamples              | the_onset_is_that_of_the_latest_stretch                |
| rules/manager_test.go TestForStateRestore, 4              | pending_alerts_are_restored_as_published               |
| rules/manager_test.go TestForStateRestoreHoldDuration, 8  | an_alert_that_goes_on_through_an_outage                |
| rules/manager_test.go TestNotify                          | an_alert_is_sent_again_as_published                    |
| rules/alerting_test.go TestKeepFiringFor                  | keep_firing_as_published                               |
| rules/alerting_test.go TestPendingAndKeepFiringFor        | a_pending_alert_is_not_kept_firing                     |
| rules/alerting_test.go TestAlertingRuleDuplicate          | two_slices_under_one_label_set_are_an_error            |
| rules/alerting_test.go TestAlertingRuleEmptyLabelFromT... | an_empty_label_is_no_label                             |
| alertstore/store_test.go TestKeepFiringForStateRestore, 2 | a_restart_goes_on_keeping_an_alert_firing              |
| issue 18243, pull request 18244 (rules/alerting.go, Eval) | a_hold_raised_from_fifteen_seconds_to_an_hour_makes... |

TestForStateRestoreHoldDuration came with pull request 19882; alertstore is on a branch (commit 5ddc8392). Their tests
bear outages of 30 minutes, we an hour, the default of Prometheus's flag: where that matters the outage is longer here.
All of our state is stored, so two rows end otherwise, and say so. What has no counterpart is left out: recording rules,
staleness, labels made by templates, limits of a group.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from controlsurface.alerting.delivery.grouping import LogEntry, needs_forwarding
from controlsurface.alerting.evaluation.alert_state_machine import (
    ActiveAlerts,
    advance_alerts,
    readings_by_labels,
    restore_alert,
)
from controlsurface.alerting.model import LabelSet, RuleReading
from controlsurface.alerting.rules.rule_models import AlertRule
from controlsurface.errors import BadRequest
from tests.alerting.evaluation.alert_lives import EPOCH, KEY, MINUTE, active_alerts_after, rule, states_over_time

SECOND = timedelta(seconds=1)
LOW = ((75, 85, 95, 105, 105, 95, 85), (80, 90, 100, 110, 120, 130, 140))  # every five minutes; in breach below 100
CANARIES = ((75, 85, 50, 0, 0, 25, 0, 0, 40, 0, 120), (125, 90, 60, 0, 0, 25, 0, 0, 40, 0, 130))


def states(text: str) -> list[str | None]:
    """`p f r -`: pending, firing, resolved and remembered, nothing."""
    return [{"p": "pending", "f": "firing", "r": "resolved", "-": None}[letter] for letter in text.split()]


@pytest.mark.parametrize(("series", "expected"), [(LOW[0], "p f f r r p f"), (LOW[1], "p f r r r r -")])
def test_alerts_of_two_instances_change_states_as_published(series: tuple[int, ...], expected: str) -> None:
    assert states_over_time(rule(**{"for": "1m"}), *(value < 100 for value in series), every=5 * MINUTE) == states(
        expected
    )


def test_the_onset_is_that_of_the_latest_stretch() -> None:
    breaches = {5 * i: value < 100 for i, value in enumerate(LOW[0])}
    known = [
        active_alerts_after(rule(**{"for": "1m"}), dict(list(breaches.items())[: i + 1]))[KEY]
        for i in range(len(breaches))
    ]
    onsets = [minute(each.active_at) if each.state != "resolved" else None for each in known]
    assert onsets == [0, 0, 0, None, None, 25, 25]


def test_keep_firing_for_holds_an_alert_as_published() -> None:
    kept = rule(keep_firing_for="1m", **{"for": "1m"})
    assert states_over_time(kept, *(value > 50 for value in (75, 85, 70, 70, 10, 10))) == states("p f f f f r")


def test_a_pending_alert_is_not_kept_firing() -> None:
    kept = rule(keep_firing_for="1m", **{"for": "1m"})
    assert states_over_time(kept, *(value > 50 for value in (75, 10))) == states("p -")


def minute(moment: datetime) -> float:
    """Minutes since the first evaluation."""
    return (moment - EPOCH) / MINUTE


def restart(held: AlertRule, active: ActiveAlerts, down: float, up: float) -> ActiveAlerts:
    """What is known of alerts at the minute of a new start, before anything is evaluated."""
    back = {
        key: restore_alert(held, alert, EPOCH + down * MINUTE, EPOCH + up * MINUTE) for key, alert in active.items()
    }
    return {key: alert for key, alert in back.items() if alert}


def canaries(held: AlertRule, at: int) -> Mapping[LabelSet, RuleReading]:
    """What an evaluation at that minute of the published series finds."""
    low = [series[at // 5] < 100 for series in CANARIES]
    return readings_by_labels(held, [RuleReading({"lane": str(i)}, breach) for i, breach in enumerate(low)])


@pytest.mark.parametrize(
    ("evaluated", "up", "finds", "expected"),
    [
        pytest.param((0, 5), 15, 15, {"0": 10, "1": 15}, id="normal: ten minutes of outage do not count"),
        pytest.param((0, 5), 70, 40, {"0": 70, "1": 70}, id="beyond the outage tolerance both begin anew"),
        pytest.param((0, 5), 50, 50, {}, id="no active alerts"),
        pytest.param((0, 5, 10, 15, 20), 25, 25, {"0": 10, "1": 10}, id="grace: both have ten minutes to go"),
    ],
)
def test_pending_alerts_are_restored_as_published(
    evaluated: tuple[int, ...], up: int, finds: int, expected: dict[str, float]
) -> None:
    held = rule(**{"for": "25m"})
    active: ActiveAlerts = {}
    for at in evaluated:
        active = advance_alerts(held, active, canaries(held, at), EPOCH + at * MINUTE).active
    back = restart(held, active, evaluated[-1], up)
    after = advance_alerts(held, back, canaries(held, finds), EPOCH + up * MINUTE).active
    assert {dict(key)["lane"]: minute(alert.active_at) for key, alert in after.items()} == expected
    assert {alert.state for alert in after.values()} <= {"pending"}


HOLDS = [
    ("firing below the grace period", "5m", (0, 4, 6, 8), 12, "firing", 0),
    ("firing at the grace period", "10m", (0, 9, 11, 13), 17, "firing", 0),
    ("firing above the grace period", "15m", (0, 14, 16, 18), 22, "firing", 0),
    ("pending above the grace period: the outage does not count", "25m", (0, 5), 15, "pending", 10),
    ("pending near its hold: the grace period is left", "25m", (0, 20), 25, "pending", 10),
    ("firing without a hold", "0s", (0, 2), 6, "firing", 0),
    ("ours: pending below the grace period goes on, where theirs begins anew", "5m", (0, 2), 6, "pending", 4),
    ("ours: firing before a long outage still does, where theirs is pending", "5m", (0, 4, 6, 8), 100, "firing", 0),
]


@pytest.mark.parametrize(
    ("hold", "evaluated", "up", "state", "onset"), [c[1:] for c in HOLDS], ids=[c[0] for c in HOLDS]
)
def test_an_alert_goes_on_through_an_outage_as_published(
    hold: str, evaluated: tuple[int, ...], up: int, state: str, onset: float
) -> None:
    held = rule(**{"for": hold})
    before = active_alerts_after(held, dict.fromkeys(evaluated, True))
    after = active_alerts_after(held, {up: True}, restart(held, before, evaluated[-1], up))[KEY]
    assert (after.state, minute(after.active_at)) == (state, onset)


@pytest.mark.parametrize(("up", "state"), [(20, "firing"), (100, "resolved")])
def test_a_restart_goes_on_keeping_an_alert_firing(up: int, state: str) -> None:
    kept = rule(keep_firing_for="30m")
    before = active_alerts_after(kept, {5 * i: value > 100 for i, value in enumerate((120, 110, 95, 90))})
    after = active_alerts_after(kept, {up: False}, restart(kept, before, 15, up))[KEY]
    assert (after.state, minute(after.active_at)) == (state, 0)
    assert after.keep_firing_since == (EPOCH + 10 * MINUTE if state == "firing" else None)


def test_an_alert_is_sent_again_as_published() -> None:
    told: LogEntry | None = None
    reasons = {}
    for second, firing in ((1, "a"), (2, "a"), (5, "a"), (6, "")):
        now, sets = EPOCH + second * SECOND, (frozenset(firing), frozenset() if firing else frozenset("a"))
        reasons[second] = needs_forwarding(told, *sets, 2 * SECOND, now)
        told = LogEntry(*sets, now) if reasons[second] else told
    assert reasons == {1: "new", 2: None, 5: "repeat", 6: "resolved"}


def test_a_hold_raised_from_fifteen_seconds_to_an_hour_makes_a_firing_alert_pending() -> None:
    fires = active_alerts_after(rule(**{"for": "15s"}), {0: True, 0.5: True})
    raised = active_alerts_after(rule(**{"for": "1h"}), {1: True}, fires)[KEY]
    assert (fires[KEY].state, raised.state) == ("firing", "pending")
    assert (minute(raised.active_at), raised.fired_at) == (0, None)


def test_two_slices_under_one_label_set_are_an_error() -> None:
    hidden = rule(labels={"lane": "any"})
    with pytest.raises(BadRequest, match=r'two slices have the label set \{alertname="High", lane="any"\}'):
        readings_by_labels(hidden, [RuleReading({"lane": lane}, True) for lane in (None, "large")])


def test_an_empty_label_is_no_label() -> None:
    assert list(readings_by_labels(rule(labels={"empty_label": ""}), [RuleReading({"lane": "small"}, True)])) == [KEY]
