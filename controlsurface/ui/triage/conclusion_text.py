"""The conclusion of a comparison in sentences: how far it moved, since what, who explains how much, and what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controlsurface.client.queries.contributor_result import ContributorResult
from controlsurface.formatting import format_count, format_value
from controlsurface.metrics.contributors.leading_cause import UNKNOWN_VALUES
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.statistics import Z_95
from controlsurface.ui.elements import time_zone
from controlsurface.ui.triage.nearby_change import NearbyChange
from controlsurface.ui.view import MIN_SHARE_ROWS

Cause = Mapping[str, Any]
Verdict = str  # few | chance | alike | cause


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is concluded about: the metric and its slice in words, the answer, and the change nearby.

    `window` is the selection; `since_change`: it begins with the change.
    """

    metric: Metric
    slice: str
    window: tuple[datetime, datetime]
    found: ContributorResult
    change: NearbyChange | None = None
    since_change: bool = False

    @property
    def verdict(self) -> Verdict:
        """What the evidence allows to say: too `few` rows, `chance`, all `alike`, or a `cause`."""
        found = self.found
        if min(found.n, found.n_before) < MIN_SHARE_ROWS or None in {found.before, found.after}:
            return "few"
        if abs(found.change_z) < Z_95:
            return "chance"
        return "cause" if found.leading else "alike"

    @property
    def better(self) -> bool:
        """Whether the metric moved to its better side."""
        moved = self.found.delta or 0
        return (self.metric.better == "lower" and moved < 0) or (self.metric.better == "higher" and moved > 0)


def headline(about: Comparison) -> str:
    """The one sentence of the page."""
    found = about.found
    if about.verdict == "few":
        return (
            f"{_subject(about)}: too few requests to compare, {format_count(found.n)} in the selection and "
            f"{format_count(found.n_before)} before; {MIN_SHARE_ROWS} of each are needed."
        )
    if about.verdict == "chance":
        return f"{_subject(about)}: no change beyond chance, {_figures(found)}."
    explained = "; ".join([_explained(each) for each in found.leading[:1]] or [MOVED_ALIKE_TEXT])
    return f"{_subject(about)} {_figures(found)} {_since(about)}; {explained}."


def evidence_notes(about: Comparison) -> list[str]:
    """What the sentence rests on, and what else is to be known about it."""
    found, notes = about.found, []
    if found.total:
        notes.append(f"n {format_count(found.n)} and {format_count(found.n_before)}; sums, scaled to the same length.")
    else:
        notes.append(f"n {format_count(found.n)} against {format_count(found.n_before)} before.")
    if found.compared:
        notes.append(f"The figures are the {found.compared}.")
    if about.verdict != "cause":
        return notes
    first, *others = found.leading
    own = f"{format_value(first['before'], found.unit)} → {format_value(first['after'], found.unit)}"
    notes.append(f"{_names(first)}: {own}, n {format_count(first['n'])}; explains {_bounds(first)}.")
    notes.extend(
        f"{'Within it' if each['within'] else 'Beside it'}, {_explained(each)}, {_interval(each)}." for each in others
    )
    if any(map(_is_more_than_all, found.leading)):
        notes.append("More than 100 %: the rest moved the other way.")
    if others:
        notes.append("Shares of different dimensions overlap and do not add up.")
    if not any(value in UNKNOWN_VALUES for value in first["values"]):
        return notes
    return [
        *notes,
        f"“{first['dimension'].replace('_', ' ')}” is not stated on these requests: name its attribute to split them.",
    ]


def change_sentence(about: Comparison) -> str:
    """What changed nearby, or that nothing recorded did."""
    change = about.change
    if change is None:
        return "No deployment, model, price or setting change is recorded within 2 h of the start."
    when = time_zone.minute_text(change.at)
    if change.stepped:
        return f"{_kind(change)} {change.title} at {when}: the metric stepped there."
    return f"{_kind(change)} {change.title} at {when} lies nearby; the metric did not step there."


MOVED_ALIKE_TEXT = "all values moved alike, none explains more than its share"
KIND_NAMES = {"deploy": "Deployment", "model": "Model", "price": "Price", "config": "Configuration", "other": "Change"}


def _kind(change: NearbyChange) -> str:
    return KIND_NAMES.get(change.kind, "Change")


def _subject(about: Comparison) -> str:
    name = about.metric.title
    return f"{about.slice}: {name[0].lower()}{name[1:]}" if about.slice else name


def _figures(found: ContributorResult) -> str:
    return f"{format_value(found.before, found.unit)} → {format_value(found.after, found.unit)}"


def _since(about: Comparison) -> str:
    if about.change is not None and about.since_change:
        return f"since {about.change.name} ({_moment(about.change.at)})"
    return f"from {time_zone.range_text(about.window)}"


def _moment(at: datetime) -> str:
    return f"{time_zone.display_time(at):%b %d %H:%M}"


def _explained(cause: Cause) -> str:
    verb = "explain" if len(cause["values"]) > 1 or cause["values"][0] in UNKNOWN_VALUES else "explains"
    share = share_text(cause["share"])
    return f"{_names(cause)} {verb} {f'all of it ({share})' if _is_more_than_all(cause) else f'{share} of it'}"


def _is_more_than_all(cause: Cause) -> bool:
    return bool(round(cause["share"], 2) > 1)


def _names(cause: Cause) -> str:
    """The values as one reads them out; without a name: what that means."""
    name, values = cause["dimension"].replace("_", " "), cause["values"]
    if values[0] in UNKNOWN_VALUES:
        return f"requests without a known {name}"
    *most, last = map(str, values)
    return f"{name}s {', '.join(most)} and {last}" if most else f"{name} {last}"


def share_text(share: float) -> str:
    """A share explained, in whole percent; more than all where others moved the other way.

    >>> share_text(0.9012), share_text(1.08)
    ('90 %', '108 %')
    """
    return f"{share * 100:.0f} %"


def _bounds(cause: Cause) -> str:
    return f"{share_text(cause['share'])}, {_interval(cause)}"


def _interval(cause: Cause) -> str:
    return f"interval {cause['low'] * 100:.0f} to {cause['high'] * 100:.0f} %"


def slice_words(where: Sequence[str]) -> str:
    """Filters in words: `extraction`, or `lane large, tenant acme`; nothing without any."""
    named: dict[str, list[str]] = {}
    for pair in where:
        name, _, value = pair.partition(":")
        named.setdefault(name, []).append(value or "unknown")
    if list(named) == ["task_type"]:
        return " or ".join(named["task_type"])
    return ", ".join(f"{name.replace('_', ' ')} {' or '.join(values)}" for name, values in named.items())
