"""Contributors ranked beside the leading one, and without what is said twice."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from math import sqrt
from typing import Any

Row = dict[str, Any]
MIN_CAUSE_STANDARD_ERRORS = 3.0  # standard errors, from which a value is taken for a cause that others go with
MIN_CAUSE_SHARE = 0.5  # of the change, beyond its due: what a value of a sum explains to be taken for the cause
DECIDED_EXCESS_WEIGHT = 0.5  # how much of a total's excess counts where the router decided it, after others asked
MIN_NEW_SHARE = 0.5  # of all rows, more than before: nothing in the baseline to compare with


@dataclass(frozen=True, slots=True)
class SplitSums:
    """What a set of rows adds up to, in the selection (1) and in the baseline (0)."""

    n_1: float
    n_0: float
    whole_1: float
    whole_0: float
    part_1: float
    part_0: float
    squares_1: float
    squares_0: float
    products_1: float
    products_0: float
    weights_1: float
    weights_0: float

    @staticmethod
    def of(row: Mapping[str, Any]) -> "SplitSums":
        """The sums of a row of the statement."""
        return SplitSums(*(float(row[each.name]) for each in fields(SplitSums)))

    def __sub__(self, other: "SplitSums") -> "SplitSums":
        return SplitSums(*(getattr(self, each.name) - getattr(other, each.name) for each in fields(self)))

    def supported(self, support: int) -> bool:
        """Whether there is enough of it to be compared."""
        return max(self.n_1, self.n_0) >= support


_NONE = SplitSums(*[0.0] * len(fields(SplitSums)))


def leading_contributor(rows: Sequence[Row], support: int) -> Row | None:
    """The first value by which all rows can be split: sure, with support within and outside it in both windows."""
    whole = SplitSums.of(rows[0]) if rows else _NONE
    for row in rows[1:]:
        if row["excess"] is not None:
            return row if _leads(row, rows[0]) else None
        if abs(row["z"]) < MIN_CAUSE_STANDARD_ERRORS:
            return None
        if not (row["restates"] or row["follows"] or _came_up(row)) and _splits(row, whole, support):
            return row
    return None


def _leads(row: Row, whole: Row) -> bool:
    """Whether a value of a total made most of the change, and is no rollout. Where others undid it, there was none."""
    change = abs(whole["delta"] or 0)
    most = MIN_CAUSE_SHARE * change <= row["strength"] <= change / MIN_CAUSE_SHARE
    return most and not (row["follows"] or _came_up(row))


def _splits(row: Row, whole: SplitSums, support: int) -> bool:
    """Whether there is support within a value and outside it, in both windows; few large amounts need it outside."""
    own = SplitSums.of(row)
    rest = whole - own
    within = min(own.n_1, own.n_0) >= support or (row["of_amounts"] and abs(row["share"] or 0) >= MIN_CAUSE_SHARE)
    return bool(within) and min(rest.n_1, rest.n_0) >= support


def rank_beside(rows: Sequence[Row], lead: Row, inside: Sequence[Row], support: int, scale: float | None) -> list[Row]:
    """The statement's rows, the first still the whole, ranked again beside `lead`; `inside` is of its rows only.

    `scale` of the baseline is that of a total; None: a mean or share. Rows gain `within`: the leading value where
    they stand out within it, else null.
    """
    of_lead = {(row["dimension"], row["value"]): SplitSums.of(row) for row in inside}
    whole, within = SplitSums.of(rows[0]), of_lead.get((None, None), _NONE)
    parts = _Parts(whole, within, f"{lead['dimension']}:{lead['value'] or ''}", support, scale)
    ranked = [
        row | {"within": None} if row is lead or _came_up(row) else row | parts.judged(row, of_lead) for row in rows[1:]
    ]
    return [dict(rows[0]), *sorted(ranked, key=_place)]


def _place(row: Row) -> tuple[bool, bool, bool, float]:
    """What a row is sorted by."""
    return row["restates"], row["follows"] and row["excess"] is None, row["opposes"], -round(row["strength"], 9)


@dataclass(frozen=True, slots=True)
class _Parts:
    """All rows, split by the leading value."""

    whole: SplitSums
    within: SplitSums
    name: str
    support: int
    scale: float | None

    def judged(self, row: Row, of_lead: Mapping[tuple[Any, Any], SplitSums]) -> dict[str, Any]:
        """Where a value stands out most, and by how much."""
        own = SplitSums.of(row)
        inside = of_lead.get((row["dimension"], row["value"]), _NONE)
        if self.scale is not None:
            return self._contributed(row, own, inside, self.scale)
        z, within = max(self._in_each(own, inside), key=lambda each: abs(each[0]))
        return {"z": z, "strength": abs(z), "within": within}

    def _contributed(self, row: Row, own: SplitSums, inside: SplitSums, scale: float) -> dict[str, Any]:
        """What a value of a total contributes beyond its due, within the leading value or beside it."""
        change = self.whole.part_1 - self.whole.part_0 * scale
        beside = total_excess(own - inside, self.whole - self.within, scale)
        among = total_excess(inside, self.within, scale)
        best, within = max(((beside, None), (among, self.name)), key=lambda each: each[0] * change)
        counts = DECIDED_EXCESS_WEIGHT if row["follows"] and best * change > 0 else 1.0
        return {"strength": counts * best * (1 if change >= 0 else -1), "within": within}

    def _in_each(self, own: SplitSums, inside: SplitSums) -> Iterator[tuple[float, str | None]]:
        """How far it stands out within and outside the leading value; among all rows where few lie within it."""
        if inside.supported(self.support):
            yield excess_z(inside, self.within, self.scale), self.name
        if not (inside.n_1 or inside.n_0) or inside.supported(self.support):
            yield excess_z(own - inside, self.whole - self.within, self.scale), None
        else:
            yield excess_z(own, self.whole, self.scale), None


def excess_z(own: SplitSums, whole: SplitSums, scale: float | None) -> float:
    """What a value moves beyond its due, in standard errors; 0 where there is nothing to compare."""
    if not whole.whole_1 or not whole.whole_0:
        return 0.0
    norm_1, norm_0 = (1 / whole.whole_1, 1 / whole.whole_0) if scale is None else (1.0, scale)
    middle = (whole.part_1 * norm_1 + whole.part_0 * norm_0) / 2 if scale is None else 0.0
    delta = own.part_1 * norm_1 - own.part_0 * norm_0 - middle * (own.whole_1 * norm_1 - own.whole_0 * norm_0)
    excess = delta - _due(own, whole, norm_1, norm_0, ratio=scale is None)
    spread = norm_1**2 * (own.squares_1 - 2 * middle * own.products_1 + middle**2 * own.weights_1)
    spread += norm_0**2 * (own.squares_0 - 2 * middle * own.products_0 + middle**2 * own.weights_0)
    if delta * excess <= 0 or spread <= 0:
        return 0.0
    return min(delta, excess, key=abs) / sqrt(spread)


def total_excess(own: SplitSums, whole: SplitSums, scale: float) -> float:
    """What a value of a total moves beyond its part of the baseline, or where that is empty, of the selection."""
    before, after = whole.part_0 * scale, whole.part_1
    part = own.part_0 * scale / before if before else own.part_1 / after if after else 0.0
    return own.part_1 - own.part_0 * scale - part * (after - before)


def _due(own: SplitSums, whole: SplitSums, norm_1: float, norm_0: float, *, ratio: bool) -> float:
    """What a value would move if it moved like the whole: its share of it, times the whole's change."""
    before, after = whole.part_0 * norm_0, whole.part_1 * norm_1
    if ratio:
        share = (own.whole_1 * norm_1 + own.whole_0 * norm_0) / 2
    else:
        share = (own.part_1 * norm_1 + own.part_0 * norm_0) / (before + after) if before + after else 0.0
    return share * (after - before)


def _came_up(row: Row) -> bool:
    """Whether a value took over a large part of all rows, as a rollout does, or gave it up."""
    grew: float = (row["share_after"] or 0) - (row["share_before"] or 0)
    return abs(grew) > MIN_NEW_SHARE


RankedRow = Mapping[str, Any]
MIN_ROLLOUT_SHARE = 0.1  # of all rows, more than before: a rollout


def fold_duplicates(rows: Sequence[RankedRow], metric: str) -> list[dict[str, Any]]:
    """The rows with `same_as`, those that have one behind: the metric, or `dimension:value` of the first such rows.

    A dimension of two values keeps the one that came up, or else explains more of the change; of a total both, since
    neither follows from the other.
    """
    up = 1 if sum(row["delta"] for row in rows if row["distinct_values"] == 2) >= 0 else -1
    kept = [row for row in rows if not _paired(row) or row is _stronger(rows, row["dimension"], up)]
    marked = list(_marked(kept, metric))
    return [row for row in marked if row["same_as"] is None] + [row for row in marked if row["same_as"] is not None]


def _paired(row: RankedRow) -> bool:
    """Whether a row is one of two sides of a share or mean."""
    return bool(row["distinct_values"] == 2 and row["excess"] is None)


def _stronger(rows: Sequence[RankedRow], dimension: str, up: int) -> RankedRow:
    """The row of a pair that is shown."""
    return max((row for row in rows if row["dimension"] == dimension), key=lambda row: _strength(row, up))


def _strength(row: RankedRow, up: int) -> tuple[bool, float]:
    """Came up, then how much of the change it explains."""
    grew = (row["share_after"] or 0) - (row["share_before"] or 0)
    return grew > MIN_ROLLOUT_SHARE, up * row["delta"]


def _marked(rows: list[RankedRow], metric: str) -> Iterator[dict[str, Any]]:
    """Each row with what it repeats, if it does."""
    first: dict[str, str] = {}
    for row in rows:
        name = f"{row['dimension']}:{row['value'] or ''}"
        same = metric if row["restates"] else first.setdefault(row["mark"], name)
        yield {**row, "same_as": None if same == name else same}
