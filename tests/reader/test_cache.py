"""A session keeps the newest results of a section, within their time and room."""

from collections.abc import Callable

import pytest

from controlsurface.client import result_cache
from controlsurface.client.result_cache import CachePolicy, ResultCache


def counted(made: list[str], name: str) -> Callable[[], str]:
    def make() -> str:
        made.append(name)
        return name

    return make


def test_a_result_is_made_once_while_it_is_young_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, made = ResultCache(), list[str]()
    for now in (100, 110, 110.5, 120):
        monkeypatch.setattr(result_cache, "monotonic", lambda now=now: now)
        assert kept.get("s", "a", counted(made, "a"), CachePolicy(keep_s=10)) == "a"
    assert made == ["a", "a"]


def test_a_section_keeps_its_newest_results_that_have_room() -> None:
    kept, made = ResultCache(), list[str]()
    for name in ("aa", "bb", "ccccc", "bb", "aa", "ccccc"):
        kept.get("s", name, counted(made, name), CachePolicy(most=2, size=4), len)
    assert made == ["aa", "bb", "ccccc", "aa", "ccccc"]  # the last is larger than the room: it is made each time


def test_cached_results_of_sections_and_versions_do_not_mix() -> None:
    kept, made = ResultCache(), list[str]()
    first, second = object(), object()
    for section, version in (("s", first), ("t", first), ("s", first), ("s", second)):
        kept.get(section, "a", counted(made, section), CachePolicy(), version=version)
    assert made == ["s", "t", "s"]


def test_a_result_that_cannot_be_made_is_not_cached() -> None:
    kept = ResultCache()
    with pytest.raises(ZeroDivisionError):
        kept.get("s", "a", lambda: 1 // 0, CachePolicy())
    assert kept.get("s", "a", lambda: 7, CachePolicy()) == 7
