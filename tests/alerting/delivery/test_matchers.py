"""Matchers mean what they mean in Alertmanager.

Its own cases are those of `PUBLISHED` (silence/silence_test.go TestQMatches, the seven with one set of matchers, in its
order) and of `NAMES` (... TestValidateClassicMatcher, where the text could be written at all).
"""

from contextlib import nullcontext

import pytest

from controlsurface.config.label_matchers import all_match, make_matcher, parse_matcher

LABELS = {"alertname": "EscalationRateHigh", "lane": "large", "severity": "page"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('lane="large"', True),
        ("lane=large", True),
        ('lane="larg"', False),
        ('lane!="small"', True),
        ('lane=~"lar.*"', True),
        ('lane=~"lar"', False),  # anchored at both ends
        ('lane!~"small|xl"', True),
        ('lane=~"small|large"', True),
        ('team=""', True),  # a label that is missing is empty
        ('team!=""', False),
        ('team=~".*"', True),
        ('team=~".+"', False),
    ],
)
def test_a_matcher_matches(text: str, expected: bool) -> None:
    assert parse_matcher(text).matches(LABELS) is expected


WEB = {"job": "test", "instance": "web-1", "path": "/user/profile", "method": "GET"}
PUBLISHED = [
    (["job=test"], True),
    (["job!=test"], False),
    (["job=test", "method=POST"], False),
    (["job=test", "method!=POST"], True),
    (['path=~"/user/.+"'], True),
    (['path!~"/user/.+"'], False),
    (['path=~"/user/.+"', 'path=~"/nothing/.+"'], False),
]


@pytest.mark.parametrize(("texts", "expected"), PUBLISHED)
def test_matchers_match_as_published(texts: list[str], expected: bool) -> None:
    assert all_match(map(parse_matcher, texts), WEB) is expected


NAMES = [
    ("a", "b", False, True, ""),
    ("a", "b", False, False, ""),
    ("a", "b", True, True, ""),
    ("a", "b", True, False, ""),
    ("00", "a", False, True, "no label name"),
    ("\U0001f642", "a", False, True, "no label name"),
    ("a", "((", True, True, "no regular expression"),
    ("a", "))", True, False, "no regular expression"),
    ("a", "\U0001f642", False, True, ""),
]


@pytest.mark.parametrize(("name", "value", "is_regex", "is_equal", "problem"), NAMES)
def test_matchers_are_checked_as_published(name: str, value: str, is_regex: bool, is_equal: bool, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) if problem else nullcontext():
        assert str(make_matcher(name, value, is_regex, is_equal)).startswith(name)


def test_all_matchers_must_match() -> None:
    assert all_match([parse_matcher('lane="large"'), parse_matcher('severity="page"')], LABELS)
    assert not all_match([parse_matcher('lane="large"'), parse_matcher('severity="warn"')], LABELS)


def test_a_matcher_is_written_as_it_is_read() -> None:
    for text in ('a="x"', 'a!="x"', 'a=~"x.*"', 'a!~"say \\"é\\""'):
        assert str(parse_matcher(text)) == text


@pytest.mark.parametrize(
    "text", ["", "lane", '="x"', 'lane=="x"', 'la-ne="x"', 'lane="x', 'lane=~"("', 'lane=~"a)|(b"', "a=" + "x" * 1001]
)
def test_an_invalid_matcher_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"matcher|label|regular|longer"):
        parse_matcher(text)


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not make_matcher("a", "(a+)+b", is_regex=True).matches({"a": "a" * 900})
