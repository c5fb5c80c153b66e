"""Matchers mean what they mean in Alertmanager."""

import pytest

from controlsurface.matchers import all_match, matcher, parse

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
    assert parse(text).matches(LABELS) is expected


def test_all_matchers_must_match() -> None:
    assert all_match([parse('lane="large"'), parse('severity="page"')], LABELS)
    assert not all_match([parse('lane="large"'), parse('severity="warn"')], LABELS)


def test_a_matcher_is_written_as_it_is_read() -> None:
    for text in ('a="x"', 'a!="x"', 'a=~"x.*"', 'a!~"say \\"é\\""'):
        assert str(parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "lane", '="x"', 'lane=="x"', 'la-ne="x"', 'lane="x', 'lane=~"("', 'lane=~"a)|(b"', "a=" + "x" * 1001]
)
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"matcher|label|regular|longer"):
        parse(text)


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not matcher("a", "(a+)+b", is_regex=True).matches({"a": "a" * 900})
