"""Traffic as columns, slice by slice: what each lane's answers were worth, and with which chance that is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlsurface.arrays import Flags, Floats, Ints
from controlsurface.audit.answer_pairs import (
    code_column,
    float_column,
    in_covered_strata,
    row_strata,
    stratified_weights,
)
from controlsurface.audit.threshold_sweep import ObservedOutcome
from controlsurface.config.query_limits import OTHER_VALUE

MIN_GRADED_PAIRS = 30  # pairs of a task type, under which worth is told by agreement instead
AGREEMENT_BASIS = "agreement with the large lane"
GRADES_BASIS = "grades"

_Sides = tuple[Floats, Floats, Floats, Floats]


@dataclass(frozen=True, slots=True)
class QualityBasis:
    """What a figure of quality rests on: pairs of either sort, and the shares of requests that these stand for."""

    graded: int
    by_agreement: int
    graded_share: float
    agreement_share: float

    @classmethod
    def of(cls, weight: Floats, pairs: Flags, graded: Flags, compared: Flags, by_agreement: Flags) -> "QualityBasis":
        """From the pairs of either sort, and the rows of the strata that they stand for."""
        total = max(float(weight.sum()), 1e-300)
        shares = (float(weight[rows].sum()) / total for rows in (graded, by_agreement))
        return cls(int(pairs.sum()), int(compared.sum()), *shares)

    @property
    def words(self) -> str | None:
        """Who says what is right; None is nobody."""
        if self.graded_share and self.by_agreement:
            return f"{GRADES_BASIS}, and {AGREEMENT_BASIS} where nothing is graded"
        return GRADES_BASIS if self.graded_share else AGREEMENT_BASIS if self.by_agreement else None


@dataclass(frozen=True, slots=True)
class SliceQuality:
    """The worth of both answers, 1 is right, and what it rests on."""

    outcome: ObservedOutcome
    basis: QualityBasis


@dataclass(frozen=True, slots=True)
class TrafficSlice:
    """Requests with a confidence of one kind."""

    name: str | None
    rows: pa.Table
    kind: str | None
    without_confidence: int
    of_other_kinds: int

    @property
    def confidence(self) -> Floats:
        """As the router gave it."""
        return float_column(self.rows, "confidence")

    @property
    def weight(self) -> Floats:
        """How many requests each row stands for."""
        return float_column(self.rows, "weight")

    @property
    def large(self) -> Flags:
        """Whether the large lane answered."""
        return float_column(self.rows, "large") > 0

    def outcome(self, given: str, shadow: str) -> ObservedOutcome:
        """A figure that is known wherever it is told: of all production answers, of shadows with their probability."""
        y = float_column(self.rows, given)
        return ObservedOutcome(y, np.ones_like(y), float_column(self.rows, shadow), self.chance())

    def chance(self) -> Floats:
        """With which probability each request was shadowed; where a pair does not say, it is taken as certain."""
        said, paired = float_column(self.rows, "probability"), float_column(self.rows, "paired") > 0
        return np.where(paired & ~(said > 0), 1.0, said)

    def quality(self) -> SliceQuality:
        """What answers are worth: by grades in each stratum that has some, elsewhere by whether the lanes agree."""
        given, shadow, paired = self._side("answer_grade"), self._side("shadow_grade"), self._side("paired") > 0
        pairs = np.isfinite(given) & np.isfinite(shadow) & paired
        cells = row_strata(self.rows)
        enough = self._enough(pairs, paired)
        pairs &= enough
        compared = np.isfinite(self._side("disagrees")) & paired
        whole = ~in_covered_strata(cells, ~np.isfinite(given))
        graded = in_covered_strata(cells, pairs) | (whole & enough & ~in_covered_strata(cells, compared))
        by_grades, by_agreement = self._graded(given, shadow, paired, pairs, cells), self._agreeing(paired, cells)
        sides = (np.where(graded, one, other) for one, other in zip(by_grades, by_agreement, strict=True))
        compared &= ~graded
        basis = QualityBasis.of(self.weight, pairs, graded, compared, in_covered_strata(cells, compared))
        return SliceQuality(ObservedOutcome(*sides), basis)

    def _side(self, name: str) -> Floats:
        """A column of numbers."""
        return float_column(self.rows, name)

    def _enough(self, pairs: Flags, paired: Flags) -> Flags:
        """Rows of task types of which MIN_GRADED_PAIRS, or half of all, are graded."""
        tasks, names = code_column(self.rows, "task_type")
        n, of = (np.bincount(tasks[rows], minlength=len(names)) for rows in (pairs, paired))
        return np.asarray((n >= np.minimum(MIN_GRADED_PAIRS, of / 2))[tasks])

    def _graded(self, given: Floats, shadow: Floats, paired: Flags, pairs: Flags, cells: Ints) -> _Sides:
        """Graded pairs, each for as many as its stratum has; all production answers of a stratum, if all are graded."""
        chance = self._thinned(cells, pairs, paired)
        whole = ~in_covered_strata(cells, ~np.isfinite(given))
        seen, certain = np.where(whole, given, np.where(pairs, given, np.nan)), np.where(whole, 1.0, chance)
        return seen, certain, np.where(pairs, shadow, np.nan), chance

    def _agreeing(self, paired: Flags, cells: Ints) -> _Sides:
        """The large lane's answer counts as right, the small one's where it agrees with it."""
        large, same = self.large, np.where(paired, 1 - self._side("disagrees"), np.nan)
        chance = self._thinned(cells, np.isfinite(same), paired)
        given, shadow = np.where(large, 1.0, same), np.where(large, same, np.where(paired, 1.0, np.nan))
        return given, np.where(large, 1.0, chance), shadow, np.where(large, chance, self.chance())

    def _thinned(self, cells: Ints, some: Flags, paired: Flags) -> Floats:
        """The chance of a pair, times the part of its stratum's pairs that are among `some`."""
        chance = self.chance()
        weights = self.weight / np.where(paired & (chance > 0), chance, 1.0)
        blown = stratified_weights(weights, cells, some, paired)
        part = np.divide(weights, blown, out=np.ones_like(weights), where=some & (blown > 0))
        return chance * part


def usable_rows(table: pa.Table, name: str | None) -> TrafficSlice:
    """The rows that can be ordered: with a confidence, of the most frequent kind; entropies order the other way."""
    known = table.filter((pc.field("confidence_kind") != "entropy") & pc.field("confidence").is_valid())
    numbers, kinds = code_column(known, "confidence_kind")
    if not known.num_rows:
        return TrafficSlice(name, known, None, table.num_rows, 0)
    most = int(np.bincount(numbers).argmax())
    rows = known.filter(pa.array(numbers == most))
    return TrafficSlice(name, rows, kinds[most], table.num_rows - known.num_rows, known.num_rows - rows.num_rows)


def slices_by_task_type(table: pa.Table, most: int) -> Iterator[TrafficSlice]:
    """All rows, then those of each of the `most` largest task types, most frequent first, then those of the others."""
    yield usable_rows(table, None)
    numbers, names = code_column(table, "task_type")
    listed, others = most_frequent_numbers(numbers, [name is not None and name != OTHER_VALUE for name in names], most)
    rest = [code for code in others if names[code] is not None]
    parts = zip(listed, rows_by_number(table, numbers, listed), strict=True)
    yield from (usable_rows(rows, names[code]) for code, rows in parts)
    if rest:
        yield usable_rows(table.filter(pa.array(np.isin(numbers, rest))), OTHER_VALUE)


def rows_by_number(table: pa.Table, numbers: Ints, listed: Sequence[int]) -> Iterator[pa.Table]:
    """The rows of each of the numbers, in their order."""
    place = np.full(int(numbers.max(initial=0)) + 1, len(listed), dtype=np.int64)
    place[listed] = np.arange(len(listed))
    counts = np.bincount(place[numbers], minlength=len(listed) + 1)
    together = table.take(np.argsort(place[numbers], kind="stable")[: len(numbers) - int(counts[-1])])
    ends = np.cumsum(counts[:-1])
    return (together.slice(end - n, n) for end, n in zip(ends.tolist(), counts.tolist(), strict=False))


def most_frequent_numbers(numbers: Ints, may: Sequence[bool], most: int) -> tuple[list[int], list[int]]:
    """The `most` most frequent of the numbers that `may` stand by themselves, and the others that occur."""
    counts = np.bincount(numbers, minlength=len(may))
    ranked = [int(code) for code in np.argsort(-counts, kind="stable") if counts[code]]
    listed = [code for code in ranked if may[code]][:most]
    taken = frozenset(listed)
    return listed, [code for code in ranked if code not in taken]
