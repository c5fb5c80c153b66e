"""The life of an alert; the facts are those Prometheus documents and tests.

| published (prometheus/prometheus, rules)               | here                                                       |
|--------------------------------------------------------|------------------------------------------------------------|
| TestAlertingRule, both instances, every five minutes   | ..._lives_as_the_published_series                           |
| TestAlertingRule..., `for` of zero                     | without_a_hold_it_fires_in_the_same_evaluation              |
| Eval: pending and absent is deleted                    | a_pending_alert_that_is_well_again_just_goes                |
| Eval: resolved is kept for more than 15 minutes        | a_resolution_is_forgotten_after_fifteen_minutes             |
| TestKeepFiringFor: the first miss starts the clock     | it_keeps_firing_until_the_clock_...                         |
| TestKeepFiringFor: a sample resets it                  | a_new_breach_stops_that_clock                               |
| Eval: firing for less than a raised hold is pending    | a_hold_raised_by_a_reload_..., ..._while_it_keeps_firing    |
| TestForStateRestore: shifted by the time down          | the_published_restores, first row                           |
| TestForStateRestore: longer than the outage tolerance  | a_long_outage_forgets_what_was_pending                      |
| TestForStateRestore: the grace period                  | the_published_restores, second row                          |
| RestoreForState: was firing, nothing to be done        | a_restart_forgets_nothing_that_fires                        |
| TestDuplicateSeries / vectors with equal labels fail   | slices_with_one_label_set_fail_and_say_so                   |

Different on purpose: Prometheus does not restore rules whose hold is shorter than the grace period, nor the clock of
`keep_firing_for`; here both survive. What is absent is no sample there, and here the rule's `no_data` decides.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.alerting.advance import Active, advance, instances, restored
from controlsurface.alerting.labels import Labels
from controlsurface.alerting.rules import Rule, RuleFile
from controlsurface.alerting.state import Alert, Reading
from controlsurface.errors import BadRequest

EPOCH = datetime(2026, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEY: Labels = (("alertname", "High"), ("lane", "small"))


def rule(**more: Any) -> Rule:
    found = {"alert": "High", "metric": "error_rate", "by": ["lane"], "above": 0.5} | more
    return RuleFile.model_validate({"groups": [{"name": "g", "rules": [found]}]}).groups[0].rules[0]


def found(breach: bool | None) -> dict[Labels, Reading]:
    return {KEY: Reading({"lane": "small"}, breach, value=0.6)}


def lived(checked: Rule, *breaches: bool | None, every: timedelta = MINUTE) -> list[str | None]:
    """The state after each of several evaluations."""
    active: Active = {}
    states: list[str | None] = []
    for i, breach in enumerate(breaches):
        active = advance(checked, active, found(breach), EPOCH + i * every).active
        states.append(active[KEY].state if KEY in active else None)
    return states


@pytest.mark.parametrize(
    ("breaches", "states"),
    [
        ([1, 1, 1, 0, 0, 1, 1], ["pending", "firing", "firing", "resolved", "resolved", "pending", "firing"]),
        ([1, 1, 0, 0, 0, 0, 0], ["pending", "firing", *["resolved"] * 4, None]),
    ],
)
def test_each_instance_lives_as_the_published_series(breaches: list[int], states: list[str | None]) -> None:
    assert lived(rule(**{"for": "1m"}), *map(bool, breaches), every=5 * MINUTE) == states


def test_without_a_hold_it_fires_in_the_same_evaluation() -> None:
    assert lived(rule(), True) == ["firing"]


def test_it_is_pending_until_the_hold_is_over() -> None:
    assert lived(rule(**{"for": "2m"}), True, True, True) == ["pending", "pending", "firing"]


def test_a_pending_alert_that_is_well_again_just_goes() -> None:
    assert lived(rule(**{"for": "2m"}), True, False, True) == ["pending", None, "pending"]


def test_a_firing_alert_that_is_well_again_resolves() -> None:
    assert lived(rule(), True, False) == ["firing", "resolved"]


def test_a_resolution_is_forgotten_after_fifteen_minutes() -> None:
    assert lived(rule(), True, *[False] * 18)[-2:] == [None, None]
    assert lived(rule(), True, *[False] * 16)[-1] == "resolved"


def test_a_resolved_alert_begins_anew() -> None:
    assert lived(rule(**{"for": "1m"}), True, True, False, True, True)[2:] == ["resolved", "pending", "firing"]


def test_it_keeps_firing_until_the_clock_that_the_first_miss_started_runs_out() -> None:
    assert lived(rule(keep_firing_for="2m"), True, False, False, False) == ["firing", "firing", "firing", "resolved"]


def test_a_new_breach_stops_that_clock() -> None:
    states = lived(rule(keep_firing_for="2m"), True, False, True, False, False, False)
    assert states == ["firing"] * 5 + ["resolved"]


def test_a_hold_raised_by_a_reload_makes_a_firing_alert_pending_again() -> None:
    active = advance(rule(), {}, found(True), EPOCH).active
    step = advance(rule(**{"for": "5m"}), active, found(True), EPOCH + MINUTE)
    assert step.active[KEY].state == "pending"
    assert step.active[KEY].active_at == EPOCH
    assert [(t.was, t.alert and t.alert.state) for t in step.transitions] == [("firing", "pending")]


def test_a_hold_raised_by_a_reload_counts_while_it_keeps_firing_too() -> None:
    kept = rule(keep_firing_for="10m")
    active = advance(kept, {}, found(True), EPOCH).active
    active = advance(kept, active, found(False), EPOCH + MINUTE).active
    raised = rule(keep_firing_for="10m", **{"for": "5m"})
    active = advance(raised, active, found(False), EPOCH + 2 * MINUTE).active
    assert (active[KEY].state, active[KEY].keep_firing_since) == ("pending", None)
    assert KEY not in advance(raised, active, found(False), EPOCH + 3 * MINUTE).active


@pytest.mark.parametrize(("down", "up", "waits"), [(5, 15, 20), (20, 25, 10)])
def test_the_published_restores(down: int, up: int, waits: int) -> None:
    held = rule(**{"for": "25m"})
    alert = advance(held, {}, found(True), EPOCH).active[KEY]
    back = restored(held, alert, EPOCH + down * MINUTE, EPOCH + up * MINUTE)
    assert back is not None
    assert back.active_at + held.for_ - (EPOCH + up * MINUTE) == waits * MINUTE


def test_without_data_it_stays_as_it_was() -> None:
    assert lived(rule(), True, None, None) == ["firing"] * 3
    assert lived(rule(**{"for": "1m"}), True, None, None) == ["pending"] * 3


def test_keeping_the_last_state_ends_when_the_slice_is_no_longer_known() -> None:
    assert lived(rule(known_for="2m"), True, None, None, None) == ["firing", "firing", "firing", "resolved"]


def test_without_data_it_may_be_well() -> None:
    assert lived(rule(no_data="ok"), True, None) == ["firing", "resolved"]


def test_without_data_it_may_alert_under_its_own_labels() -> None:
    assert lived(rule(no_data="alert"), None) == ["firing"]


def test_a_slice_that_nobody_knows_any_more_is_well() -> None:
    active = advance(rule(no_data="alert"), {}, found(None), EPOCH).active
    assert advance(rule(no_data="alert"), active, {}, EPOCH + MINUTE).active[KEY].state == "resolved"


def test_slices_with_one_label_set_fail_and_say_so() -> None:
    hidden = rule(labels={"lane": "any"})
    readings = [Reading({"lane": lane}, True) for lane in ("small", "large")]
    with pytest.raises(BadRequest, match=r'two slices have the label set \{alertname="High", lane="any"\}'):
        instances(hidden, readings)


def test_an_unknown_dimension_is_no_label() -> None:
    assert list(instances(rule(), [Reading({"lane": None}, True)])) == [(("alertname", "High"),)]


@pytest.mark.parametrize(
    ("hold", "spent", "outage", "waits"),
    [
        ("30m", 10, 5, 20),  # 20 were left, and still are
        ("14m", 10, 5, 10),  # 4 were left: at least ten
        ("5m", 2, 5, 3),  # a hold below the grace is not made longer
    ],
)
def test_a_restart_does_not_count_the_time_when_nobody_looked(hold: str, spent: int, outage: int, waits: int) -> None:
    held = rule(**{"for": hold})
    alert = advance(held, {}, found(True), EPOCH).active[KEY]
    down_at, up_at = EPOCH + spent * MINUTE, EPOCH + (spent + outage) * MINUTE
    back = restored(held, alert, down_at, up_at)
    assert back is not None
    assert back.active_at + held.for_ - up_at == waits * MINUTE


def test_a_long_outage_forgets_what_was_pending() -> None:
    held = rule(**{"for": "30m"})
    alert = advance(held, {}, found(True), EPOCH).active[KEY]
    assert restored(held, alert, EPOCH, EPOCH + 61 * MINUTE) is None


def test_a_restart_forgets_nothing_that_fires() -> None:
    alert = advance(rule(keep_firing_for="1h"), {}, found(True), EPOCH).active[KEY]
    assert restored(rule(), alert, EPOCH, EPOCH + timedelta(days=2)) is alert


@given(st.lists(st.booleans(), max_size=30))
def test_an_alert_fires_only_after_its_whole_hold_time_in_breach(breaches: list[bool]) -> None:
    states = lived(rule(**{"for": "3m"}), *breaches)
    for i, state in enumerate(states):
        assert (state == "firing") == (i >= 3 and all(breaches[i - 3 : i + 1]))


@given(st.lists(st.sampled_from([True, False, None]), max_size=30))
def test_transitions_tell_the_whole_story(breaches: list[bool | None]) -> None:
    active: Active = {}
    told: Alert | None = None
    for i, breach in enumerate(breaches):
        step = advance(rule(**{"for": "2m"}, keep_firing_for="3m"), active, found(breach), EPOCH + i * MINUTE)
        assert all(t.was == (active[KEY].state if KEY in active else None) for t in step.transitions)
        told = step.transitions[-1].alert if step.transitions else told
        active = step.active
        if KEY in active:
            assert told is not None
            assert told.state == active[KEY].state
