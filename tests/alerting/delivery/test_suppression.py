"""Inhibition and mute times that are ours; Alertmanager's own cases are in `test_published_muting`."""

from datetime import datetime

import pytest

from controlsurface.alerting.delivery.suppression import (
    InhibitionIndex,
    InhibitionRule,
    is_explained_by_parent,
    is_within_mute_time,
)
from controlsurface.alerting.model import AlertSnapshot, Episode
from controlsurface.config.alert_delivery import InhibitConfig, MuteTimeConfig
from tests.alerting.episode_clock import episode


def test_labels_missing_from_both_alerts_are_equal_for_inhibition() -> None:
    rule = InhibitionRule.of(InhibitConfig(source=("s1=1",), target=("t1=1",), equal=("e",)))
    source = episode(s1="1")
    assert InhibitionIndex([source], [rule]).of(episode(t1="1")) is source


def moved(before: float | None, value: float, *where: str, metric: str = "escalation_rate") -> AlertSnapshot:
    return AlertSnapshot(rule="r", metric=metric, unit="ratio", before=before, value=value, where=where)


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
    part: AlertSnapshot, parent: AlertSnapshot, expected: bool
) -> None:
    assert is_explained_by_parent(part, parent) is expected
    small: Episode = episode(facts=part, task_type="code")
    assert (InhibitionIndex([episode(facts=parent)], []).of(small) is not None) is expected


NIGHT = MuteTimeConfig(times=("00:00-08:00", "18:00-24:00"), weekdays=("monday:friday",), location="Europe/Berlin")


@pytest.mark.parametrize(
    ("moment", "mute", "expected"),
    [
        ("2026-01-05T06:59:00+00:00", NIGHT, True),  # a Monday, 07:59 in Berlin
        ("2026-01-05T07:00:00+00:00", NIGHT, False),  # the end is not part of it
        ("2026-07-06T06:30:00+00:00", NIGHT, False),  # 08:30 in summer
        ("2026-01-05T22:59:00+00:00", NIGHT, True),
        ("2026-01-10T01:00:00+00:00", NIGHT, False),  # a Saturday
        ("2026-01-10T01:00:00+00:00", MuteTimeConfig(weekdays=("saturday",)), True),
        ("2026-02-28T12:00:00+00:00", MuteTimeConfig(days_of_month=("-1",)), True),
        ("2028-02-28T12:00:00+00:00", MuteTimeConfig(days_of_month=("-1",)), False),  # a leap year
        ("2026-12-24T12:00:00+00:00", MuteTimeConfig(months=("12",), days_of_month=("24:26",)), True),
        ("2026-11-24T12:00:00+00:00", MuteTimeConfig(months=("12",), days_of_month=("24:26",)), False),
        ("2026-11-24T12:00:00+00:00", MuteTimeConfig(), True),
    ],
)
def test_a_mute_time_holds(moment: str, mute: MuteTimeConfig, expected: bool) -> None:
    assert is_within_mute_time(datetime.fromisoformat(moment), mute) is expected
