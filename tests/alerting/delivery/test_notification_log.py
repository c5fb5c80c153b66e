"""When a group is told again.

Rows numbered 1 to 11 are the cases of TestDedupStageNeedsUpdate (prometheus/alertmanager, notify/notify_test.go), in
its order. Those of `FORWARDED` follow needsSending (prometheus/prometheus, rules/alerting.go): at once when resolved
since the last time, else when more than the delay has passed; its test, TestNotify, is in `test_published_rules`.
"""

from datetime import UTC, datetime, timedelta

import pytest

from controlsurface.alerting.delivery.grouping import LogEntry, needs_forwarding, needs_update

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
REPEAT = timedelta(minutes=10)


def keys(text: str) -> frozenset[str]:
    return frozenset(text)


def entry(firing: str = "", resolved: str = "", minutes_ago: float | None = 1) -> LogEntry:
    return LogEntry(keys(firing), keys(resolved), None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago))


CASES = [
    ("1: nothing logged and something fires", None, "234", "", False, "new"),
    ("2: nothing logged and nothing fires", None, "", "234", False, None),
    ("3: another one fires", entry("123", minutes_ago=None), "234", "", False, "grown"),
    ("4: the log does not know when", entry("123", minutes_ago=None), "123", "", False, "repeat"),
    ("5: the same before the repeat interval", entry("123", minutes_ago=9), "123", "", False, None),
    ("6: the same after the repeat interval", entry("123", minutes_ago=11), "123", "", False, "repeat"),
    ("7: others are over and nothing fired, however late", entry("", "123", 11), "", "345", True, None),
    ("8: another is over, but not wanted", entry("12", "3", 9), "1", "23", False, None),
    ("9: another is over, and wanted", entry("12", "3", 9), "1", "23", True, "partly resolved"),
    ("10: all are over, though not wanted", entry("12", "3", 9), "", "123", False, "resolved"),
    ("11: all are over, and wanted", entry("12", "3", 9), "", "123", True, "resolved"),
    ("ours: fewer fire and those over were told", entry("123", "23"), "1", "23", True, None),
    ("ours: all are over and that was told", entry("", "123"), "", "123", True, None),
    ("ours: at the repeat interval, not after it", entry("123", minutes_ago=10), "123", "", False, None),
]


@pytest.mark.parametrize(
    ("last", "firing", "resolved", "wants", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_group_needs_an_update_when(
    last: LogEntry | None, firing: str, resolved: str, wants: bool, expected: str | None
) -> None:
    assert needs_update(last, keys(firing), keys(resolved), REPEAT, wants, NOW) == expected


FORWARDED = [
    ("first", None, "1", "", "new"),
    ("nothing at all", None, "", "", None),
    ("a new one at once", entry("1"), "12", "", "grown"),
    ("one over at once", entry("12"), "1", "2", "partly resolved"),
    ("all over at once", entry("1"), "", "1", "resolved"),
    ("the same too early", entry("1", minutes_ago=10), "1", "", None),
    ("the same again", entry("1", minutes_ago=11), "1", "", "repeat"),
    ("an end again", entry("", "1", minutes_ago=11), "", "1", "repeat"),
]


@pytest.mark.parametrize(
    ("last", "firing", "resolved", "expected"), [c[1:] for c in FORWARDED], ids=[c[0] for c in FORWARDED]
)
def test_a_group_needs_forwarding_when(last: LogEntry | None, firing: str, resolved: str, expected: str | None) -> None:
    assert needs_forwarding(last, keys(firing), keys(resolved), REPEAT, NOW) == expected
