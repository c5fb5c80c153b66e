"""Traffic as columns, slice by slice: what each lane's answers were worth, and with which chance that is known."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlsurface.audit.estimate import Floats
from controlsurface.audit.logged import Flags, Outcome
from controlsurface.audit.pairs import codes, floats

FEWEST_GRADES = 30  # pairs, under which worth is told by agreement instead
AGREEMENT = "agreement with the large lane"
GRADES = "grades"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests with a confidence of one kind. `quality`: 1 is a right answer; `basis` says who says so, None nobody."""

    name: str | None
    rows: pa.Table
    kind: str | None
    without_confidence: int
    of_other_kinds: int

    @property
    def confidence(self) -> Floats:
        """As the router gave it."""
        return floats(self.rows, "confidence")

    @property
    def weight(self) -> Floats:
        """How many requests each row stands for."""
        return floats(self.rows, "weight")

    @property
    def large(self) -> Flags:
        """Whether the large lane answered."""
        return floats(self.rows, "large") > 0

    def outcome(self, given: str, shadow: str) -> Outcome:
        """A figure that is known wherever it is told: of all production answers, of shadows with their probability."""
        y = floats(self.rows, given)
        return Outcome(y, np.ones_like(y), floats(self.rows, shadow), self.chance())

    def chance(self) -> Floats:
        """With which probability each request was shadowed; where a pair does not say, it is taken as certain."""
        said, paired = floats(self.rows, "probability"), floats(self.rows, "paired") > 0
        return np.where(paired & ~(said > 0), 1.0, said)

    def quality(self) -> tuple[Outcome, str | None]:
        """What answers are worth, and by what: grades where there are enough, else whether lanes agree."""
        given, shadow = floats(self.rows, "answer_grade"), floats(self.rows, "shadow_grade")
        paired = floats(self.rows, "paired") > 0
        graded = np.isfinite(given) & np.isfinite(shadow) & paired
        if graded.sum() >= min(FEWEST_GRADES, paired.sum() / 2) and graded.any():
            return self._graded(given, shadow, paired, graded), GRADES
        return self._agreeing(paired)

    def _graded(self, given: Floats, shadow: Floats, paired: Flags, graded: Flags) -> Outcome:
        """Pairs by their probability and the share of them that was graded; all production answers, if all are."""
        chance = self.chance() * graded.sum() / paired.sum()
        if np.isfinite(given).all():
            return Outcome(given, np.ones_like(given), np.where(graded, shadow, np.nan), chance)
        return Outcome(np.where(graded, given, np.nan), chance, np.where(graded, shadow, np.nan), chance)

    def _agreeing(self, paired: Flags) -> tuple[Outcome, str | None]:
        """The large lane's answer counts as right, the small one's where it agrees with it."""
        differs, large = floats(self.rows, "disagrees"), self.large
        same = np.where(paired, 1 - differs, np.nan)
        given, shadow = np.where(large, 1.0, same), np.where(large, same, np.where(paired, 1.0, np.nan))
        outcome = Outcome(given, np.where(large, 1.0, self.chance()), shadow, self.chance())
        return outcome, AGREEMENT if np.isfinite(same).any() else None


def usable(table: pa.Table, name: str | None) -> Traffic:
    """The rows that can be ordered: with a confidence, of the most frequent kind; entropies order the other way."""
    known = table.filter((pc.field("confidence_kind") != "entropy") & pc.field("confidence").is_valid())
    numbers, kinds = codes(known, "confidence_kind")
    if not known.num_rows:
        return Traffic(name, known, None, table.num_rows, 0)
    most = int(np.bincount(numbers).argmax())
    rows = known.filter(pa.array(numbers == most))
    return Traffic(name, rows, kinds[most], table.num_rows - known.num_rows, known.num_rows - rows.num_rows)


def by_task(table: pa.Table) -> Iterator[Traffic]:
    """All rows, then those of each task type, most frequent first."""
    yield usable(table, None)
    numbers, names = codes(table, "task_type")
    for code in np.argsort(-np.bincount(numbers, minlength=len(names)), kind="stable"):
        rows = table.filter(pa.array(numbers == code))
        if rows.num_rows and names[code] is not None:
            yield usable(rows, names[code])
