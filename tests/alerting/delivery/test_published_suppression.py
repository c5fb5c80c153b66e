"""Alertmanager's own cases of inhibition, silences and mute times: its facts, on a clock of ours.

| published in prometheus/alertmanager                    | here                                                  |
|---------------------------------------------------------|-------------------------------------------------------|
| inhibit/inhibit_test.go TestInhibitRuleMatches, 8       | an_alert_is_inhibited, in that order, first answer    |
| ... TestInhibitRuleMatchers, 8                          | an_alert_is_inhibited, second answer                  |
| ... TestInhibitRuleHasEqual, 5                          | a_source_is_found_for_equal_labels, in that order     |
| ... TestInhibit, 3                                      | only_a_source_that_fires_mutes, in that order         |
| silence/silence_test.go TestSilenceSet, 8 steps         | a_silence_is_set_and_changed_as_published             |
| ... TestSetActiveSilence                                | a_start_that_differs_by_less_than_a_second_is_the_... |
| ... TestSilencesSetFail, TestValidateSilence            | what_cannot_be_a_silence_is_refused                   |
| ... TestSilenceCanUpdate, 9                             | a_silence_is_changed_in_place_only_if..., ...refused  |
| ... TestSilenceExpire, TestSilenceExpireInvalid         | a_silence_ends_at_once_and_only_once                  |
| ... TestSilencer                                        | silences_come_and_go_by_the_hour                      |
| ... TestQState                                          | the_state_of_a_silence                                |
| ... TestSilenceGCOverTime, in multiple rounds           | test_delivery_silences                                |
| ... TestQMatches, 7 with one set of matchers            | test_delivery_matchers                                |
| ... TestValidateClassicMatcher                          | test_delivery_matchers                                |
| notify/notify_test.go TestMuteStageWithSilences         | a_silence_holds_back_what_it_matches                  |
| ... TestTimeMuteStage, 5                                | evenings_and_weekends_are_mute                        |

Four rows are read as its API v2 has them, which refuses what the store behind it would still take: a silence of no
length, and an end in the past. At the instant of its end a silence is over, as in the API's answers.
Sets of matchers of which any may match, limits, annotations and the exchange between servers have no counterpart here.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from controlsurface.alerting.delivery.silences import Silence, end_silence, find_silence, silence_updates
from controlsurface.alerting.delivery.suppression import InhibitionIndex, InhibitionRule, is_within_mute_time
from controlsurface.config.alert_delivery import InhibitConfig, MuteTimeConfig
from controlsurface.config.label_matchers import parse_matcher
from controlsurface.errors import BadRequest, NotFound
from tests.alerting.episode_clock import EPOCH, episode

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)

RULES = [
    InhibitionRule.of(InhibitConfig(source=("s1=1",), target=("t1=1",), equal=("e",))),
    InhibitionRule.of(InhibitConfig(source=("s2=1",), target=("t2=1",), equal=("e",))),
]
SOURCES = [episode(s1="1", t1="2", e="1"), episode(s2="1", t2="1", e="1")]
TARGETS = [  # whether they are inhibited by RULES, and where the first of them wants `t1` to be anything but 1
    ({"t1": "1", "e": "1"}, True, False),  # target of the first rule
    ({"t2": "1", "e": "1"}, True, True),  # target of the second
    ({"t1": "1", "t3": "1", "e": "1"}, True, False),  # further labels do not matter
    ({"t1": "1", "t2": "1", "e": "1"}, True, True),  # target of both
    ({"t1": "0", "e": "1"}, False, True),  # target of neither
    ({"s1": "1", "t1": "1", "e": "1"}, True, False),  # both sides of the first, the source only one
    ({"s2": "1", "t2": "1", "e": "1"}, False, True),  # both sides of the second, and so is the source
    ({"t1": "1", "e": "0"}, False, False),  # another value of the equal label
]


def is_muted(target: dict[str, str], rules: list[InhibitionRule]) -> bool:
    return InhibitionIndex(SOURCES, rules).of(replace(episode(), labels=target, key="x")) is not None


@pytest.mark.parametrize(("target", "plain", "excluding"), TARGETS)
def test_an_alert_is_inhibited(target: dict[str, str], plain: bool, excluding: bool) -> None:
    other = InhibitionRule.of(InhibitConfig(source=("s1=1",), target=("t1!=1",), equal=("e",)))
    assert (is_muted(target, RULES), is_muted(target, [other, RULES[1]])) == (plain, excluding)


@pytest.mark.parametrize(
    ("sources", "equal", "target", "expected"),
    [
        ([], (), {"a": "b"}, False),  # no sources at all
        ([({}, True)], (), {"a": "b"}, True),  # no equal labels: any source will do
        ([({"a": "b", "b": "f"}, False), ({"a": "b", "b": "c"}, False)], ("a", "b"), {"a": "b", "b": "c"}, False),
        ([({"a": "b", "c": "d"}, False), ({"a": "b", "c": "f"}, True)], ("a",), {"a": "b"}, True),
        ([({"a": "c", "c": "d"}, False), ({"a": "c", "c": "f"}, False)], ("a",), {"a": "b"}, False),
    ],
)
def test_an_inhibition_source_is_found_for_equal_labels(
    sources: list[tuple[dict[str, str], bool]], equal: tuple[str, ...], target: dict[str, str], expected: bool
) -> None:
    rule = InhibitionRule.of(InhibitConfig(source=("s=1",), target=("t=1",), equal=equal))
    known = [
        replace(episode(EPOCH, None, s="1", **labels), ends_at=None if fires else EPOCH) for labels, fires in sources
    ]
    assert (InhibitionIndex(known, [rule]).of(episode(EPOCH, None, t="1", **target)) is not None) is expected


@pytest.mark.parametrize(("second", "muted"), [(None, False), ("fires", True), ("over", False)])
def test_an_inhibition_source_mutes_only_while_it_fires(second: str | None, muted: bool) -> None:
    rule = InhibitionRule.of(InhibitConfig(source=("s=1",), target=("t=1",), equal=("e",)))
    one, two = episode(t="1", e="f"), replace(episode(s="1", e="f"), ends_at=EPOCH if second == "over" else None)
    known = [one, two] if second else [one]
    assert (InhibitionIndex(known, [rule]).of(one) is not None) is muted
    assert InhibitionIndex(known, [rule]).of(two) is None


def silence(start: timedelta, end: timedelta, matcher: str = "a=b", **more: Any) -> Silence:
    """A silence, its times as distances from EPOCH."""
    made = Silence("", (parse_matcher(matcher),), EPOCH + start, EPOCH + end, "", "", EPOCH)
    return replace(made, **more)


def test_a_silence_is_set_and_changed_as_published() -> None:
    (first,) = silence_updates(silence(2 * MINUTE, 5 * MINUTE), None, EPOCH)
    assert (first.starts_at, first.ends_at) == (EPOCH + 2 * MINUTE, EPOCH + 5 * MINUTE)
    (second,) = silence_updates(silence(-HOUR, 2 * MINUTE), None, EPOCH + MINUTE)  # a start that was not given is past
    assert second.starts_at == EPOCH + MINUTE
    assert [each.id for each in silence_updates(second, second, EPOCH + MINUTE)] == [second.id]
    (worded,) = silence_updates(replace(second, comment="c"), second, EPOCH + MINUTE)
    assert (worded.id, worded.comment) == (second.id, "c")
    now = EPOCH + 2 * MINUTE - SECOND
    (longer,) = silence_updates(replace(worded, ends_at=now + 100 * MINUTE), worded, now)
    assert (longer.id, longer.starts_at, longer.updated_at) == (second.id, second.starts_at, now)
    now += MINUTE
    other, ended = silence_updates(replace(longer, matchers=(parse_matcher("a=c"),)), longer, now)
    assert (other.id != longer.id, other.starts_at, other.ends_at) == (True, now, longer.ends_at)
    assert (ended.id, ended.ends_at, ended.comment) == (longer.id, now, "c")
    now += MINUTE
    (again,) = silence_updates(replace(longer, starts_at=EPOCH, ends_at=EPOCH + 5 * MINUTE), ended, now)
    assert (again.id != longer.id, again.starts_at, again.ends_at) == (True, now, EPOCH + 5 * MINUTE)
    with pytest.raises(BadRequest, match="endsAt"):
        silence_updates(replace(again, ends_at=EPOCH), again, now + SECOND)
    assert again.state(now + SECOND) == "active"


def test_a_silence_start_that_differs_by_less_than_a_second_is_the_same() -> None:
    (active,) = silence_updates(silence(-MINUTE, 5 * MINUTE), None, EPOCH)
    close = replace(active, starts_at=EPOCH + timedelta(microseconds=2), ends_at=active.ends_at + 2 * MINUTE)
    (longer,) = silence_updates(close, active, EPOCH + MINUTE)
    assert (longer.id, longer.starts_at, longer.ends_at) == (active.id, close.starts_at, close.ends_at)


@pytest.mark.parametrize(
    "wrong",
    [
        silence(0 * HOUR, HOUR, matchers=()),  # without matchers
        silence(
            0 * HOUR, HOUR, matchers=(parse_matcher('a=""'), parse_matcher('b=~".*"'))
        ),  # each matches what is empty
        silence(0 * HOUR, -SECOND),  # it ends before it starts
        silence(-HOUR, -SECOND),  # it is over already
    ],
)
def test_an_invalid_silence_is_refused(wrong: Silence) -> None:
    with pytest.raises(BadRequest, match=r"matchers|endsAt"):
        silence_updates(wrong, None, EPOCH)


def test_an_unknown_silence_cannot_be_changed() -> None:
    with pytest.raises(NotFound):
        silence_updates(silence(0 * HOUR, 5 * MINUTE, id="some_id"), None, EPOCH)


PENDING = silence(HOUR, 2 * HOUR, id="s")
ACTIVE = silence(-HOUR, 2 * HOUR, id="s")
EXPIRED = silence(-HOUR, -SECOND, id="s")


@pytest.mark.parametrize(
    ("old", "start", "end", "expected"),
    [
        (EXPIRED, 0 * HOUR, HOUR, False),
        (PENDING, -MINUTE, HOUR, False),
        (PENDING, MINUTE, MINUTE + SECOND, True),
        (PENDING, 0 * HOUR, 2 * HOUR, True),  # it starts exactly now
        (ACTIVE, -MINUTE, 2 * HOUR, False),
        (ACTIVE, -HOUR, 0 * HOUR, True),  # it ends exactly now
        (ACTIVE, -HOUR, 3 * HOUR, True),
    ],
)
def test_a_silence_is_changed_in_place_only_if_history_stays(
    old: Silence, start: timedelta, end: timedelta, expected: bool
) -> None:
    put = silence_updates(silence(start, end, id="s"), old, EPOCH)
    assert ([each.id for each in put] == ["s"]) is expected


@pytest.mark.parametrize(("old", "start", "end"), [(PENDING, MINUTE, MINUTE), (ACTIVE, -HOUR, -SECOND)])
def test_a_silence_change_with_an_impossible_end_is_refused(old: Silence, start: timedelta, end: timedelta) -> None:
    with pytest.raises(BadRequest, match="endsAt"):
        silence_updates(silence(start, end, id="s"), old, EPOCH)


def test_a_silence_ends_at_once_and_only_once() -> None:
    pending, active = end_silence(silence(MINUTE, HOUR), EPOCH), end_silence(silence(-MINUTE, HOUR), EPOCH)
    assert (pending.starts_at, pending.ends_at, pending.updated_at) == (EPOCH, EPOCH, EPOCH)
    assert (active.starts_at, active.ends_at, active.updated_at) == (EPOCH - MINUTE, EPOCH, EPOCH)
    assert {each.state(EPOCH + SECOND) for each in (pending, active)} == {"expired"}
    assert end_silence(EXPIRED, EPOCH) is EXPIRED
    assert end_silence(replace(ACTIVE, matchers=()), EPOCH).state(EPOCH) == "expired"  # one that could not be made


def test_silences_come_and_go_by_the_hour() -> None:
    known: list[Silence] = []

    def silences(hours: float) -> bool:
        return find_silence(known, {"foo": "bar"}, EPOCH + hours * HOUR) is not None

    assert not silences(0)
    known += silence_updates(silence(-HOUR, 5 * MINUTE, "foo=baz"), None, EPOCH)
    assert not silences(0)
    (second,) = silence_updates(silence(-HOUR, 5 * MINUTE, "foo=bar"), None, EPOCH)
    known.append(second)
    assert silences(0)
    assert not silences(1)
    known += silence_updates(
        replace(second, starts_at=EPOCH + 2 * HOUR, ends_at=EPOCH + 4 * HOUR), second, EPOCH + HOUR
    )
    assert not silences(1)
    assert silences(3)
    known += silence_updates(silence(4 * HOUR, 6 * HOUR, 'foo=~"b.."'), None, EPOCH + 3 * HOUR)
    assert silences(3)
    assert silences(5)


@pytest.mark.parametrize(
    ("one", "state"), [(silence(MINUTE, HOUR), "pending"), (ACTIVE, "active"), (EXPIRED, "expired")]
)
def test_a_silence_is_pending_active_or_expired(one: Silence, state: str) -> None:
    assert one.state(EPOCH) == state


def test_a_silence_holds_back_what_it_matches() -> None:
    alerts = [{}, {"test": "set"}, {"mute": "me"}, {"foo": "bar", "test": "set"}, {"foo": "bar", "mute": "me"}]
    alerts += [{}, {"not": "muted"}]
    one = silence(0 * HOUR, HOUR, "mute=me")
    assert [labels for labels in alerts if one.silences(labels, EPOCH)] == [alerts[2], alerts[4]]
    assert not any(end_silence(one, EPOCH).silences(labels, EPOCH) for labels in alerts)


EVENINGS = MuteTimeConfig(times=("00:00-09:00", "17:00-24:00"), location="Australia/Sydney")
WEEKENDS = MuteTimeConfig(weekdays=("saturday", "sunday"), location="Australia/Sydney")


@pytest.mark.parametrize(
    ("moment", "evening", "weekend"),
    [
        ("2024-01-01T00:00+11:00", True, False),  # Sydney, a Monday
        ("2024-01-01T09:00+11:00", False, False),
        ("2024-01-06T10:00+11:00", False, True),
        ("2024-01-01T10:00+00:00", True, False),
        ("2024-01-06T10:00+00:00", True, True),
    ],
)
def test_mute_times_hold_in_evenings_and_on_weekends(moment: str, evening: bool, weekend: bool) -> None:
    now = datetime.fromisoformat(moment)
    assert (is_within_mute_time(now, EVENINGS), is_within_mute_time(now, WEEKENDS)) == (evening, weekend)
