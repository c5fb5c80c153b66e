"""The life of an alert; Prometheus's own cases are in `test_published_rules`.

What is absent is no sample there, and here the rule's `no_data` decides.
"""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.alerting.evaluation.alert_state_machine import (
    ActiveAlerts,
    advance_alerts,
    readings_by_labels,
    restore_alert,
)
from controlsurface.alerting.model import Alert, RuleReading
from tests.alerting.evaluation.alert_lives import EPOCH, KEY, MINUTE, readings_of, rule, states_over_time


def test_an_alert_without_a_hold_fires_in_the_same_evaluation() -> None:
    assert states_over_time(rule(), True) == ["firing"]


def test_an_alert_is_pending_until_its_hold_is_over() -> None:
    assert states_over_time(rule(**{"for": "2m"}), True, True, True) == ["pending", "pending", "firing"]


def test_a_pending_alert_that_recovers_is_dropped() -> None:
    assert states_over_time(rule(**{"for": "2m"}), True, False, True) == ["pending", None, "pending"]


def test_a_firing_alert_that_recovers_resolves() -> None:
    assert states_over_time(rule(), True, False) == ["firing", "resolved"]


def test_a_resolution_is_forgotten_after_fifteen_minutes() -> None:
    assert states_over_time(rule(), True, *[False] * 18)[-2:] == [None, None]
    assert states_over_time(rule(), True, *[False] * 16)[-1] == "resolved"


def test_a_resolved_alert_begins_anew() -> None:
    assert states_over_time(rule(**{"for": "1m"}), True, True, False, True, True)[2:] == [
        "resolved",
        "pending",
        "firing",
    ]


def test_an_alert_keeps_firing_for_its_time_after_the_first_miss() -> None:
    assert states_over_time(rule(keep_firing_for="2m"), True, False, False, False) == [
        "firing",
        "firing",
        "firing",
        "resolved",
    ]


def test_a_new_breach_restarts_the_keep_firing_time() -> None:
    states = states_over_time(rule(keep_firing_for="2m"), True, False, True, False, False, False)
    assert states == ["firing"] * 5 + ["resolved"]


def test_a_hold_raised_by_a_reload_makes_a_firing_alert_pending_again() -> None:
    active = advance_alerts(rule(), {}, readings_of(True), EPOCH).active
    step = advance_alerts(rule(**{"for": "5m"}), active, readings_of(True), EPOCH + MINUTE)
    assert step.active[KEY].state == "pending"
    assert step.active[KEY].active_at == EPOCH
    assert [(t.was, t.alert and t.alert.state) for t in step.transitions] == [("firing", "pending")]


def test_a_hold_raised_by_a_reload_counts_while_an_alert_keeps_firing_too() -> None:
    kept = rule(keep_firing_for="10m")
    active = advance_alerts(kept, {}, readings_of(True), EPOCH).active
    active = advance_alerts(kept, active, readings_of(False), EPOCH + MINUTE).active
    raised = rule(keep_firing_for="10m", **{"for": "5m"})
    active = advance_alerts(raised, active, readings_of(False), EPOCH + 2 * MINUTE).active
    assert (active[KEY].state, active[KEY].keep_firing_since) == ("pending", None)
    assert KEY not in advance_alerts(raised, active, readings_of(False), EPOCH + 3 * MINUTE).active


def test_an_alert_without_data_keeps_its_state() -> None:
    assert states_over_time(rule(), True, None, None) == ["firing"] * 3
    assert states_over_time(rule(**{"for": "1m"}), True, None, None) == ["pending"] * 3


def test_an_alert_without_data_resolves_when_its_slice_is_no_longer_known() -> None:
    assert states_over_time(rule(known_for="2m"), True, None, None, None) == ["firing", "firing", "firing", "resolved"]


def test_an_alert_without_data_resolves_where_no_data_is_ok() -> None:
    assert states_over_time(rule(no_data="ok"), True, None) == ["firing", "resolved"]


def test_a_rule_without_data_fires_where_no_data_is_an_alert() -> None:
    assert states_over_time(rule(no_data="alert"), None) == ["firing"]


def test_an_alert_of_a_slice_no_longer_known_resolves() -> None:
    active = advance_alerts(rule(no_data="alert"), {}, readings_of(None), EPOCH).active
    assert advance_alerts(rule(no_data="alert"), active, {}, EPOCH + MINUTE).active[KEY].state == "resolved"


def test_an_unknown_dimension_is_no_label() -> None:
    assert list(readings_by_labels(rule(), [RuleReading({"lane": None}, True)])) == [(("alertname", "High"),)]


@pytest.mark.parametrize(
    ("hold", "spent", "outage", "waits"),
    [
        ("30m", 10, 5, 20),  # 20 were left, and still are
        ("14m", 10, 5, 10),  # 4 were left: at least ten
        ("5m", 2, 5, 3),  # a hold below the grace is not made longer
    ],
)
def test_a_restart_does_not_count_the_outage_towards_the_hold(hold: str, spent: int, outage: int, waits: int) -> None:
    held = rule(**{"for": hold})
    alert = advance_alerts(held, {}, readings_of(True), EPOCH).active[KEY]
    down_at, up_at = EPOCH + spent * MINUTE, EPOCH + (spent + outage) * MINUTE
    back = restore_alert(held, alert, down_at, up_at)
    assert back is not None
    assert back.active_at + held.for_ - up_at == waits * MINUTE


def test_a_long_outage_forgets_pending_alerts() -> None:
    held = rule(**{"for": "30m"})
    alert = advance_alerts(held, {}, readings_of(True), EPOCH).active[KEY]
    assert restore_alert(held, alert, EPOCH, EPOCH + 61 * MINUTE) is None


def test_a_restart_forgets_no_firing_alert() -> None:
    alert = advance_alerts(rule(keep_firing_for="1h"), {}, readings_of(True), EPOCH).active[KEY]
    assert restore_alert(rule(), alert, EPOCH, EPOCH + timedelta(days=2)) is alert


@given(st.lists(st.booleans(), max_size=30))
def test_an_alert_fires_only_after_its_whole_hold_time_in_breach(breaches: list[bool]) -> None:
    states = states_over_time(rule(**{"for": "3m"}), *breaches)
    for i, state in enumerate(states):
        assert (state == "firing") == (i >= 3 and all(breaches[i - 3 : i + 1]))


@given(st.lists(st.sampled_from([True, False, None]), max_size=30))
def test_transitions_give_every_state_of_an_alert(breaches: list[bool | None]) -> None:
    active: ActiveAlerts = {}
    told: Alert | None = None
    for i, breach in enumerate(breaches):
        step = advance_alerts(
            rule(**{"for": "2m"}, keep_firing_for="3m"), active, readings_of(breach), EPOCH + i * MINUTE
        )
        assert all(t.was == (active[KEY].state if KEY in active else None) for t in step.transitions)
        told = step.transitions[-1].alert if step.transitions else told
        active = step.active
        if KEY in active:
            assert told is not None
            assert told.state == active[KEY].state
