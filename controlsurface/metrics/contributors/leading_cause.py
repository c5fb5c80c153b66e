"""Which values a change is put down to: few of one dimension that explain much more of it than is their due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from controlsurface.metrics.contributors.contributor_ranking import (
    MIN_CAUSE_SHARE,
    MIN_CAUSE_STANDARD_ERRORS,
    MIN_NEW_SHARE,
    SplitSums,
    excess_z,
)
from controlsurface.metrics.contributors.explained_share import add_sums, explained_share

Row = Mapping[str, Any]
MAX_CAUSE_VALUES = 3  # values of one dimension that are named together
MIN_VALUE_SHARE = 0.1  # of the change, which each of them explains
ENOUGH_CAUSE_SHARE = 0.9  # of the change: more values are not looked for
MIN_FURTHER_SHARE = 0.2  # of the change, which a further cause explains
MAX_FURTHER_CAUSES = 2
MIN_REST_SPARED = 0.3  # of what all other values would explain if all were alike, which they do not
UNKNOWN_VALUES = (None, "unknown", "(other)")  # what is no name


@dataclass(frozen=True, slots=True)
class LeadingCause:
    """Values of a dimension, what they explain of the change with its 95 % interval, and what it rests on.

    `before` and `after` are the metric of their rows, `row_share` their part of the selection's rows, `within` the
    `dimension:value` among whose rows alone they stand out.
    """

    dimension: str
    values: tuple[str | None, ...]
    share: float
    low: float
    high: float
    excess: float
    before: float | None
    after: float | None
    n: int
    n_before: int
    row_share: float
    within: str | None


def leading_causes(whole: Row, rows: Sequence[Row], order: Sequence[str], scale: float | None) -> list[LeadingCause]:
    """The cause that stands first, then further ones; none where all values are alike, or the change is chance.

    `rows` are all ranked values, `order` the dimensions to look at, the likeliest first. A version or model that took
    over most of the rows is no cause here: it has no rows to be held against, and is an event.
    """
    sums = SplitSums.of(whole)
    found = [cause for name in order if (cause := _cause(sums, [r for r in rows if r["dimension"] == name], scale))]
    enough = [each for each in found if each.share >= MIN_CAUSE_SHARE]
    if not enough:
        return []
    # What explains more than all for certain is made up for by its siblings, and says little about the change.
    first = next((each for each in enough if each.low <= 1), enough[0])
    beside = {row["dimension"]: row for row in reversed(rows)}  # its strongest row, beside the leading value
    others = (each for each in found if each is not first and _is_further(each, first, beside[each.dimension]))
    return [first, *islice(others, MAX_FURTHER_CAUSES)]


def _is_further(cause: LeadingCause, first: LeadingCause, strongest: Row) -> bool:
    """Whether it says something that the first does not: ranking looked outside and within one value alone."""
    apart = cause.within is not None or len(first.values) == 1
    return cause.share >= MIN_FURTHER_SHARE and apart and abs(strongest["z"]) >= MIN_CAUSE_STANDARD_ERRORS


def _cause(whole: SplitSums, rows: Sequence[Row], scale: float | None) -> LeadingCause | None:
    """The values of one dimension that explain most of the change together."""
    chosen: list[Row] = []
    sums = add_sums([])
    for row in _candidates(whole, rows, scale):
        own = SplitSums.of(row)
        if not _stands_out(own, whole - sums, whole, scale):
            continue
        chosen, sums = [*chosen, row], add_sums([sums, own])
        share = explained_share(sums, whole, scale).share or 0
        if share >= ENOUGH_CAUSE_SHARE or len(chosen) == MAX_CAUSE_VALUES or row["value"] in UNKNOWN_VALUES:
            break
    return _of_rows(whole, chosen, sums, scale) if chosen else None


def _candidates(whole: SplitSums, rows: Sequence[Row], scale: float | None) -> list[Row]:
    """Values that explain a part, the largest first; what has no name leads alone or not at all."""
    shares = [(explained_share(SplitSums.of(row), whole, scale).share or 0.0, row) for row in rows if _can_lead(row)]
    ranked = sorted((pair for pair in shares if pair[0] >= MIN_VALUE_SHARE), key=lambda pair: -pair[0])
    return [
        row
        for place, (share, row) in enumerate(ranked)
        if row["value"] not in UNKNOWN_VALUES or (place == 0 and share >= MIN_CAUSE_SHARE)
    ]


def _can_lead(row: Row) -> bool:
    """Whether a value was there before, and is neither the metric under another name nor what follows from it."""
    took_over = abs((row["share_after"] or 0) - (row["share_before"] or 0)) > MIN_NEW_SHARE
    return not (took_over or row["follows"] or row["restates"])


def _stands_out(own: SplitSums, rest: SplitSums, whole: SplitSums, scale: float | None) -> bool:
    """Whether a value moved with the change beyond its due, among what earlier values leave, and for certain."""
    z = excess_z(own, rest, scale)
    return z * explained_share(whole, whole, scale).excess > 0 and abs(z) >= MIN_CAUSE_STANDARD_ERRORS


def _of_rows(whole: SplitSums, rows: Sequence[Row], sums: SplitSums, scale: float | None) -> LeadingCause | None:
    """The rows as one cause; None where they explain about what is their due."""
    found = explained_share(sums, whole, scale)
    due = _due(sums, whole, scale)
    if found.share is None or found.low is None or found.high is None:
        return None
    if found.share - due < MIN_REST_SPARED * (1 - due):
        return None
    return LeadingCause(
        rows[0]["dimension"],
        tuple(row["value"] for row in rows),
        found.share,
        found.low,
        found.high,
        found.excess,
        *_values(sums, scale),
        int(sums.n_1),
        int(sums.n_0),
        sums.whole_1 / whole.whole_1 if whole.whole_1 else 0.0,
        rows[0].get("within"),
    )


def _due(own: SplitSums, whole: SplitSums, scale: float | None) -> float:
    """What a set would explain if all rows had moved alike: its part of the rows, or of the metric before."""
    metric = own.part_0 / whole.part_0 if whole.part_0 else 0.0
    rows = own.whole_1 / whole.whole_1 if scale is None and whole.whole_1 else 0.0
    return min(max(metric, rows, 0.0), 1.0)


def _values(sums: SplitSums, scale: float | None) -> tuple[float | None, float | None]:
    """The metric of a set, before and after."""
    if scale is not None:
        return sums.part_0 * scale, sums.part_1
    return (
        sums.part_0 / sums.whole_0 if sums.whole_0 else None,
        sums.part_1 / sums.whole_1 if sums.whole_1 else None,
    )
