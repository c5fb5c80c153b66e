"""What is held back now, and by what: silences, other alerts (inhibition), and the mute times of a route."""

import math
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from zoneinfo import ZoneInfo

from controlsurface.alerting.delivery.routing import NotificationRoute
from controlsurface.alerting.delivery.silences import Silence, find_silence
from controlsurface.alerting.model import AlertSnapshot, Episode
from controlsurface.config.alert_delivery import WEEKDAYS, InhibitConfig, MuteTimeConfig, minutes_of_day, parse_range
from controlsurface.config.label_matchers import LabelMatcher, Labels, all_match, parse_matcher


def is_within_mute_time(moment: datetime, mute: MuteTimeConfig) -> bool:
    """Whether an aware moment lies in the stretch; a condition that is not given holds always."""
    local = moment.astimezone(ZoneInfo(mute.location))
    minute = local.hour * 60 + local.minute
    return (
        _meets_any([_minute_in_range(each, minute) for each in mute.times])
        and _meets_any([_weekday_in_range(each, local.weekday()) for each in mute.weekdays])
        and _meets_any([_day_in_range(each, local) for each in mute.days_of_month])
        and _meets_any([_is_in_range(parse_range(each, 1, 12), local.month) for each in mute.months])
    )


def _meets_any(conditions: list[bool]) -> bool:
    return not conditions or any(conditions)


def _is_in_range(bounds: tuple[int, int], value: int) -> bool:
    return bounds[0] <= value <= bounds[1]


def _minute_in_range(text: str, minute: int) -> bool:
    """The end is not part of the stretch."""
    start, _, end = text.partition("-")
    return minutes_of_day(start) <= minute < minutes_of_day(end)


def _weekday_in_range(text: str, day: int) -> bool:
    first, _, last = text.partition(":")
    return WEEKDAYS.index(first) <= day <= WEEKDAYS.index(last or first)


def _day_in_range(text: str, local: datetime) -> bool:
    """Negative days count from the end of the month, -1 is its last."""
    length = monthrange(local.year, local.month)[1]
    first, last = (day if day > 0 else length + 1 + day for day in parse_range(text, -31, 31))
    return first <= local.day <= last


IndexedEpisode = tuple[int, Episode]  # with its place among all that fire

LOG_ODDS_TOLERANCE = math.log(1.2)  # of odds: what a slice may move beyond its parent and still be explained by it


@dataclass(frozen=True, slots=True)
class InhibitionRule:
    """While an alert that matches `source` fires, alerts that match `target` with equal labels are held back."""

    source: tuple[LabelMatcher, ...]
    target: tuple[LabelMatcher, ...]
    equal: tuple[str, ...] = ()

    @staticmethod
    def of(section: InhibitConfig) -> "InhibitionRule":
        """The rule as it is configured."""
        source, target = (tuple(map(parse_matcher, each)) for each in (section.source, section.target))
        return InhibitionRule(source, target, section.equal)

    def values(self, labels: Labels) -> tuple[str, ...]:
        """The labels that must be equal."""
        return tuple(labels.get(name, "") for name in self.equal)

    def inhibits(self, source: Labels, target: Labels) -> bool:
        """Whether one alert holds back the other; of alerts that match both sides none does so to another."""
        if not all_match(self.target, target) or not all_match(self.source, source):
            return False
        if all_match(self.source, target) and all_match(self.target, source):
            return False
        return self.values(source) == self.values(target)


class InhibitionIndex:
    """The firing episodes among some, by what they may hold back: thousands of alerts are looked through once."""

    def __init__(self, among: Iterable[Episode], rules: Sequence[InhibitionRule]) -> None:
        self._rules = rules
        self._parents: dict[tuple[str | None, frozenset[str]], list[IndexedEpisode]] = {}
        self._sources: dict[tuple[int, tuple[str, ...]], list[IndexedEpisode]] = {}
        for placed in enumerate(each for each in among if each.fires):
            facts, labels = placed[1].facts, placed[1].labels
            self._parents.setdefault((facts.metric, frozenset(facts.where)), []).append(placed)
            for number, rule in enumerate(rules):
                if all_match(rule.source, labels):
                    self._sources.setdefault((number, rule.values(labels)), []).append(placed)

    def of(self, target: Episode) -> Episode | None:
        """The first that holds back `target`, if any does."""
        found = [each for each in (*self._by_rule(target), *self._by_parent(target)) if each]
        return min(found, key=lambda each: each[0])[1] if found else None

    def _by_rule(self, target: Episode) -> Iterator[IndexedEpisode | None]:
        """The first by each rule that is about the target."""
        for number, rule in enumerate(self._rules):
            if all_match(rule.target, target.labels):
                sources = self._sources.get((number, rule.values(target.labels)), ())
                fitting = (each for each in sources if each[1].key != target.key)
                yield next((each for each in fitting if rule.inhibits(each[1].labels, target.labels)), None)

    def _by_parent(self, target: Episode) -> Iterator[IndexedEpisode | None]:
        """The first among those of each wider slice of the same metric."""
        own = sorted(set(target.facts.where)) if target.facts.metric is not None else []
        for size in range(len(own)):
            for some in combinations(own, size):
                parents = self._parents.get((target.facts.metric, frozenset(some)), ())
                yield next((each for each in parents if is_explained_by_parent(target.facts, each[1].facts)), None)


def is_explained_by_parent(part: AlertSnapshot, parent: AlertSnapshot) -> bool:
    """Whether an alert on more of the same metric says all that the alert on a slice of it says.

    The slice must not have moved further than its parent, in the same direction: in odds for shares, else in
    proportion, with a tolerance of 1.2. Without both sides' `before` nothing is explained, so nothing is hidden.
    """
    if part.metric is None or part.metric != parent.metric or not set(parent.where) < set(part.where):
        return False
    own, whole = _shift(part), _shift(parent)
    if own is None or whole is None or own * whole <= 0:
        return False
    return abs(own) <= abs(whole) + LOG_ODDS_TOLERANCE


def _shift(facts: AlertSnapshot) -> float | None:
    """How far the metric moved, as the logarithm of a ratio; None where that is unknown or boundless."""
    before, after = facts.before, facts.value
    if before is None or after is None:
        return None
    if facts.unit == "ratio" and before < 1 and after < 1:
        before, after = before / (1 - before), after / (1 - after)
    return math.log(after / before) if before > 0 and after > 0 else None


def suppression_check(
    episodes: Sequence[Episode], silences: Sequence[Silence], rules: Sequence[InhibitionRule], now: datetime
) -> Callable[[Episode, NotificationRoute], bool]:
    """The judge of one look: whether an episode is held back on a route."""
    sources = InhibitionIndex(episodes, rules)
    held = {each.key: suppressed_by(each, sources, silences, now) is not None for each in episodes}

    def muted(episode: Episode, route: NotificationRoute) -> bool:
        return held[episode.key] or any(is_within_mute_time(now, each) for each in route.mutes)

    return muted


def suppressed_by(episode: Episode, sources: InhibitionIndex, silences: Sequence[Silence], now: datetime) -> str | None:
    """What holds an episode back, in words; None: nothing does."""
    if silence := find_silence(silences, episode.labels, now):
        return f"silence {silence.id}"
    if source := sources.of(episode):
        return f"alert {source.labels.get('alertname', '')} {source.key}"
    return None
