"""Which label sets are meant: Alertmanager's matchers, `name="value"` with =, !=, =~ and !~."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

Labels = Mapping[str, str]

MAX_MATCHER_CHARACTERS = 1000  # characters of a value
_MATCHER_PATTERN = re.compile(
    r"\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(\"(?:[^\"\\]|\\.)*\"|[^\s\"]*)\s*", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class LabelMatcher:
    """One condition on one label; a label that is not there has the empty value."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def matches(self, labels: Labels) -> bool:
        """Whether the label's value is (like) the matcher's; regular expressions are RE2's and cover all of it."""
        given = labels.get(self.name, "")
        same = _covers(self.value, given) if self.is_regex else given == self.value
        return same == self.is_equal

    def __str__(self) -> str:
        sign = {(False, True): "=", (False, False): "!=", (True, True): "=~", (True, False): "!~"}
        return f"{self.name}{sign[self.is_regex, self.is_equal]}{json.dumps(self.value, ensure_ascii=False)}"


def make_matcher(name: str, value: str, is_regex: bool = False, is_equal: bool = True) -> LabelMatcher:
    """A matcher that can be used. Raises ValueError saying what is wrong with it."""
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name):
        raise ValueError(f"'{name[:60]}' is no label name")
    if len(value) > MAX_MATCHER_CHARACTERS:
        raise ValueError(f"the value for '{name}' is longer than {MAX_MATCHER_CHARACTERS} characters")
    if is_regex:
        _checked(value)
    return LabelMatcher(name, value, is_regex, is_equal)


def parse_matcher(text: str) -> LabelMatcher:
    """The matcher in `severity="page"` or `lane=~"large|xl"`. Raises ValueError with an example."""
    found = _MATCHER_PATTERN.fullmatch(text)
    if not found:
        raise ValueError(f'\'{text[:80]}\' is no matcher; write one like severity="page" or lane=~"large|xl"')
    name, sign, value = found.groups()
    plain = json.loads(value) if value.startswith('"') else value
    return make_matcher(name, plain, is_regex="~" in sign, is_equal=sign[0] == "=")


def all_match(matchers: Iterable[LabelMatcher], labels: Labels) -> bool:
    """Whether every matcher matches."""
    return all(each.matches(labels) for each in matchers)


def _checked(pattern: str) -> None:
    try:
        pc.match_substring_regex(pa.array([""]), pattern)  # alone: `a)|(b` must not leave the brackets around it
    except pa.ArrowInvalid as problem:
        raise ValueError(f"'{pattern[:80]}' is no regular expression: {str(problem).splitlines()[0]}") from None


@lru_cache(4096)  # the same few patterns meet the same few values at every look
def _covers(pattern: str, value: str) -> bool:
    """RE2 takes time in proportion to the text, whatever pattern somebody wrote."""
    found = pc.match_substring_regex(pa.array([value]), rf"^(?s:{pattern})$")
    return bool(found[0].as_py())
