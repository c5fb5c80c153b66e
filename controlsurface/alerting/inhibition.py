"""Which alerts hold back which: rules of source, target and equal labels, and parents that explain a slice."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from controlsurface.alerting.episodes import Episode, Facts
from controlsurface.channels import Inhibit
from controlsurface.matchers import Labels, Matcher, all_match, parse

TOLERANCE = math.log(1.2)  # of odds: what a slice may move beyond its parent and still be explained by it


@dataclass(frozen=True, slots=True)
class Rule:
    """While an alert that matches `source` fires, alerts that match `target` with equal labels are held back."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()

    @staticmethod
    def of(section: Inhibit) -> "Rule":
        """The rule as it is configured."""
        return Rule(tuple(map(parse, section.source)), tuple(map(parse, section.target)), section.equal)

    def inhibits(self, source: Labels, target: Labels) -> bool:
        """Whether one alert holds back the other; of alerts that match both sides none does so to another."""
        if not all_match(self.target, target) or not all_match(self.source, source):
            return False
        if all_match(self.source, target) and all_match(self.target, source):
            return False
        return all(source.get(name, "") == target.get(name, "") for name in self.equal)


def inhibitor(target: Episode, among: Iterable[Episode], rules: Sequence[Rule]) -> Episode | None:
    """The firing episode that holds back `target`, if any does."""
    meant = [rule for rule in rules if all_match(rule.target, target.labels)]
    if not meant and not target.facts.where:
        return None  # no rule is about it, and all of the traffic has no parent
    for source in among:
        if source.fires and source.key != target.key:
            by_rule = any(rule.inhibits(source.labels, target.labels) for rule in meant)
            if by_rule or is_explained(target.facts, source.facts):
                return source
    return None


def is_explained(part: Facts, parent: Facts) -> bool:
    """Whether an alert on more of the same metric says all that the alert on a slice of it says.

    The slice must not have moved further than its parent, in the same direction: in odds for shares, else in
    proportion, with a tolerance of 1.2. Without both sides' `before` nothing is explained, so nothing is hidden.
    """
    if part.metric is None or part.metric != parent.metric or not set(parent.where) < set(part.where):
        return False
    own, whole = _shift(part), _shift(parent)
    if own is None or whole is None or own * whole <= 0:
        return False
    return abs(own) <= abs(whole) + TOLERANCE


def _shift(facts: Facts) -> float | None:
    """How far the metric moved, as the logarithm of a ratio; None where that is unknown or boundless."""
    before, after = facts.before, facts.value
    if before is None or after is None:
        return None
    if facts.unit == "ratio" and before < 1 and after < 1:
        before, after = before / (1 - before), after / (1 - after)
    return math.log(after / before) if before > 0 and after > 0 else None
