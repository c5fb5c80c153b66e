"""Inhibition, mute times and the life of a silence.

| published (prometheus/alertmanager)                   | here                                                 |
|-------------------------------------------------------|------------------------------------------------------|
| inhibit TestInhibitRuleMatches, eight targets         | an_alert_is_inhibited, in that order                 |
| inhibit TestInhibitRuleMatchers, the same with `!=`   | matchers_that_exclude_inhibit_too, in that order     |
| inhibit TestInhibitRuleHasEqual: no source            | no_source_no_inhibition                              |
| ... no equal labels, any source will do               | without_equal_labels_any_source_will_do              |
| ... matching, but resolved; TestInhibit, third case   | a_source_that_is_over_inhibits_nothing               |
| ... matching and unresolved; equal label differs      | an_alert_is_inhibited, first and last row            |
| silence TestSilenceSet: new, moved end, other matchers| a_new_silence_..., the_end_of_..., what_would_...    |
| silence TestSilenceExpire, TestValidateSilence        | a_silence_is_ended_once, a_silence_that_cannot_be... |
| silence TestSilenceGCOverTime, state of a silence     | a_silence_is_pending_then_active_then_expired        |
"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from controlsurface.alerting.episodes import Episode, Facts
from controlsurface.alerting.inhibition import Rule, inhibitor, is_explained
from controlsurface.alerting.mute_times import is_within
from controlsurface.alerting.silences import Silence, expired, placed
from controlsurface.channels import Inhibit, MuteTime
from controlsurface.errors import BadRequest, NotFound
from controlsurface.matchers import parse
from tests.alerting.episodes import EPOCH, episode

RULES = [
    Rule.of(Inhibit(source=("s1=1",), target=("t1=1",), equal=("e",))),
    Rule.of(Inhibit(source=("s2=1",), target=("t2=1",), equal=("e",))),
]
SOURCES = [episode(s1="1", t1="2", e="1"), episode(s2="1", t2="1", e="1")]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"t1": "1", "e": "1"}, True),  # target of the first rule
        ({"t2": "1", "e": "1"}, True),  # target of the second
        ({"t1": "1", "t3": "1", "e": "1"}, True),  # further labels do not matter
        ({"t1": "1", "t2": "1", "e": "1"}, True),  # target of both
        ({"t1": "0", "e": "1"}, False),  # target of neither
        ({"s1": "1", "t1": "1", "e": "1"}, True),  # both sides, the source only one
        ({"s2": "1", "t2": "1", "e": "1"}, False),  # both sides, and so is the source
        ({"t1": "1", "e": "0"}, False),  # another value of the equal label
    ],
)
def test_an_alert_is_inhibited(target: dict[str, str], expected: bool) -> None:
    assert (inhibitor(replace(episode(), labels=target, key="x"), SOURCES, RULES) is not None) is expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"t1": "1", "e": "1"}, False),  # excluded by the first rule
        ({"t2": "1", "e": "1"}, True),  # target of the second
        ({"t1": "1", "t3": "1", "e": "1"}, False),  # excluded, whatever else there is
        ({"t1": "1", "t2": "1", "e": "1"}, True),  # excluded by the first, target of the second
        ({"t1": "0", "e": "1"}, True),  # not excluded
        ({"s1": "1", "t1": "1", "e": "1"}, False),  # a source that is excluded as a target
        ({"s2": "1", "t2": "1", "e": "1"}, True),  # target of the first, which lacks its label
        ({"t1": "1", "e": "0"}, False),
    ],
)
def test_matchers_that_exclude_inhibit_too(target: dict[str, str], expected: bool) -> None:
    rules = [Rule.of(Inhibit(source=("s1=1",), target=("t1!=1",), equal=("e",))), RULES[1]]
    assert (inhibitor(replace(episode(), labels=target, key="x"), SOURCES, rules) is not None) is expected


def test_no_source_no_inhibition() -> None:
    assert inhibitor(episode(t1="1", e="1"), [], RULES) is None


def test_without_equal_labels_any_source_will_do() -> None:
    anyone = Rule.of(Inhibit(source=("s1=1",), target=("t1=1",)))
    assert inhibitor(episode(t1="1", e="9"), SOURCES, [anyone]) is SOURCES[0]


def test_a_source_that_is_over_inhibits_nothing() -> None:
    over = [replace(each, ends_at=EPOCH) for each in SOURCES]
    assert inhibitor(episode(t1="1", e="1"), over, RULES) is None


def test_labels_that_both_lack_are_equal() -> None:
    source = episode(s1="1")
    assert inhibitor(episode(t1="1"), [source], RULES) is source


def moved(before: float | None, value: float, *where: str, metric: str = "escalation_rate") -> Facts:
    return Facts(rule="r", metric=metric, unit="ratio", before=before, value=value, where=where)


ALL = moved(0.10, 0.20)


@pytest.mark.parametrize(
    ("part", "parent", "expected"),
    [
        (moved(0.11, 0.22, "task_type:code"), ALL, True),  # moved as all did
        (moved(0.11, 0.60, "task_type:code"), ALL, False),  # moved much further
        (moved(0.30, 0.20, "task_type:code"), ALL, False),  # moved the other way
        (moved(None, 0.20, "task_type:code"), ALL, False),  # nobody knows how far
        (moved(0.11, 0.22, "task_type:code", metric="error_rate"), ALL, False),  # another metric
        (moved(0.11, 0.22), ALL, False),  # no slice of it
        (moved(0.11, 0.22, "lane:a", "task_type:code"), moved(0.1, 0.2, "lane:a"), True),  # a slice of a slice
        (moved(0.11, 0.22, "task_type:code"), moved(0.1, 0.2, "lane:a"), False),  # beside it
    ],
)
def test_a_slice_is_inhibited_by_its_parent_only_if_the_parent_explains_it(
    part: Facts, parent: Facts, expected: bool
) -> None:
    assert is_explained(part, parent) is expected
    small: Episode = episode(facts=part, task_type="code")
    assert (inhibitor(small, [episode(facts=parent)], []) is not None) is expected


NIGHT = MuteTime(times=("00:00-08:00", "18:00-24:00"), weekdays=("monday:friday",), location="Europe/Berlin")


@pytest.mark.parametrize(
    ("moment", "mute", "expected"),
    [
        ("2026-01-05T06:59:00+00:00", NIGHT, True),  # a Monday, 07:59 in Berlin
        ("2026-01-05T07:00:00+00:00", NIGHT, False),  # the end is not part of it
        ("2026-07-06T06:30:00+00:00", NIGHT, False),  # 08:30 in summer
        ("2026-01-05T22:59:00+00:00", NIGHT, True),
        ("2026-01-10T01:00:00+00:00", NIGHT, False),  # a Saturday
        ("2026-01-10T01:00:00+00:00", MuteTime(weekdays=("saturday",)), True),
        ("2026-02-28T12:00:00+00:00", MuteTime(days_of_month=("-1",)), True),
        ("2028-02-28T12:00:00+00:00", MuteTime(days_of_month=("-1",)), False),  # a leap year
        ("2026-12-24T12:00:00+00:00", MuteTime(months=("12",), days_of_month=("24:26",)), True),
        ("2026-11-24T12:00:00+00:00", MuteTime(months=("12",), days_of_month=("24:26",)), False),
        ("2026-11-24T12:00:00+00:00", MuteTime(), True),
    ],
)
def test_a_mute_time_holds(moment: str, mute: MuteTime, expected: bool) -> None:
    assert is_within(datetime.fromisoformat(moment), mute) is expected


HOUR = timedelta(hours=1)
SILENCE = Silence("", (parse("lane=large"),), EPOCH, EPOCH + HOUR, "ann", "deploying", EPOCH)
ACTIVE = replace(SILENCE, id="s")


def test_a_silence_is_pending_then_active_then_expired() -> None:
    assert [SILENCE.state(EPOCH + k * HOUR) for k in (-1, 0, 1)] == ["pending", "active", "expired"]


def test_a_new_silence_gets_an_id_and_never_starts_in_the_past() -> None:
    (made,) = placed(SILENCE, None, EPOCH + HOUR / 2)
    assert len(made.id) == 36
    assert made.starts_at == EPOCH + HOUR / 2


def test_the_end_of_an_active_silence_can_be_moved_in_place() -> None:
    later = replace(ACTIVE, ends_at=EPOCH + 3 * HOUR)
    assert [each.id for each in placed(later, ACTIVE, EPOCH + HOUR / 2)] == ["s"]


@pytest.mark.parametrize("change", [{"matchers": (parse("lane=small"),)}, {"starts_at": EPOCH + HOUR / 4}])
def test_what_would_rewrite_history_ends_the_old_silence_and_makes_a_new_one(change: dict[str, object]) -> None:
    now = EPOCH + HOUR / 2
    fresh, old = placed(replace(ACTIVE, **change), ACTIVE, now)  # type: ignore[arg-type]
    assert (fresh.id != "s", fresh.state(now)) == (True, "active")
    assert (old.id, old.ends_at) == ("s", now)


@pytest.mark.parametrize(
    "change",
    [{"matchers": ()}, {"matchers": (parse('lane=~".*"'),)}, {"ends_at": EPOCH}, {"ends_at": EPOCH - HOUR}],
)
def test_a_silence_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match=r"matchers|endsAt"):
        placed(replace(SILENCE, **change), None, EPOCH)  # type: ignore[arg-type]


def test_a_silence_is_ended_once() -> None:
    over = expired(ACTIVE, EPOCH + HOUR / 2)
    assert over.state(EPOCH + HOUR / 2) == "expired"
    with pytest.raises(BadRequest, match="expired already"):
        expired(over, EPOCH + HOUR / 2)


def test_an_id_that_nothing_has_is_not_found() -> None:
    with pytest.raises(NotFound):
        placed(ACTIVE, None, EPOCH)
