"""How often lanes disagree, slice by slice, and where the large lane is the worse one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from controlsurface.audit.agreement import Agreement, weighted
from controlsurface.audit.estimate import Estimate, Floats, mean, share
from controlsurface.audit.pairs import Codes, codes, floats, pairs
from controlsurface.audit.ppi import ppi_mean
from controlsurface.errors import UnknownName
from controlsurface.metrics.arguments import Names, Window
from controlsurface.metrics.dimensions import DIMENSIONS
from controlsurface.reader.asking import Answer, Ground

BAND = "band"  # tenths of the confidence
WORSE, PERHAPS = "worse", "perhaps worse"

_FIGURES = (
    "n effective_n value low high ac1 ac1_low ac1_high kappa comparator judge_only unknown_probability human_n "
    "people people_low people_high graded production_grade shadow_grade "
    "large_minus_small large_minus_small_low large_minus_small_high large"
).split()
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("n", "graded", "human_n", "unknown_probability"), pa.int64()),
    **dict.fromkeys(("comparator", "large"), pa.string()),
    "judge_only": pa.bool_(),
}


class DisagreementArgs(Window):
    """Which pairs, and what to break them down by."""

    by: Names = Field(
        ("task_type",),
        max_length=3,
        description="up to three dimensions of comparisons, or band (tenths of confidence)",
    )


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The question: a row for each slice, most pairs first. Its facts name the slices where the large lane is worse."""

    arguments: DisagreementArgs
    path: str = "/api/v1/audits/disagreement"

    def answered(self, ground: Ground) -> Answer:
        """Read the pairs once, estimate each slice. Raises UnknownName."""
        by = [_known(name) for name in dict.fromkeys(self.arguments.by)]
        table = ground.rows(pairs(self.arguments, ground.config))
        large = [name for name, lane in ground.config.lanes.items() if lane.escalation]
        rows = [key | _figures(part, large) for key, part in _slices(table, by)]
        rows.sort(key=lambda row: -row["n"])
        facts = {
            name: [", ".join(str(row[each]) for each in by) or "all" for row in rows if row["large"] == verdict]
            for name, verdict in (("large_worse", WORSE), ("large_perhaps_worse", PERHAPS))
        }
        return Answer(_table(rows, by), facts)


def _known(name: str) -> str:
    """A dimension of comparisons, or the band. Raises UnknownName."""
    if name != BAND and name not in DIMENSIONS["comparisons"]:
        raise UnknownName("dimension of comparisons", name, (*DIMENSIONS["comparisons"], BAND))
    return name


def _slices(table: pa.Table, by: Sequence[str]) -> Iterator[tuple[dict[str, str | None], pa.Table]]:
    """Each combination of values that occurs, and its pairs; without dimensions all pairs, if there are any."""
    columns = [_band(table) if name == BAND else codes(table, name) for name in by]
    keys = np.stack([numbers for numbers, _ in columns]) if columns else np.zeros((1, table.num_rows), dtype=np.int64)
    found, place, counts = np.unique(keys, axis=1, return_inverse=True, return_counts=True)
    together = table.take(np.argsort(place.ravel(), kind="stable"))
    for key, end, n in zip(found.T, np.cumsum(counts), counts, strict=True):
        values = [words[code] for (_, words), code in zip(columns, key, strict=False)]
        yield dict(zip(by, values, strict=True)), together.slice(end - n, n)


def _band(table: pa.Table) -> tuple[Codes, list[str | None]]:
    """The tenth that each pair's confidence lies in; unknown is the last."""
    confidence = floats(table, "confidence")
    tenths = np.clip(np.floor(np.nan_to_num(confidence) * 10 + 1e-9), 0, 9).astype(np.int64)
    names = [f"{i / 10:.1f} to {(i + 1) / 10:.1f}" for i in range(10)]
    return np.where(np.isfinite(confidence), tenths, 10), [*names, None]


def _figures(part: pa.Table, large: Sequence[str]) -> dict[str, Any]:
    """All that is said of one slice."""
    weights, differs = floats(part, "weight"), floats(part, "disagrees")
    told = np.isfinite(differs)
    rate, agreed = (
        share(differs[told], weights[told]),
        _agreed(part.filter(pa.array(told)), differs[told], weights[told]),
    )
    people, judge = _people(part, differs, weights), _comparator(part)
    human_n = people.n if people else 0
    judge_only = judge is not None and judge.startswith("judge") and not human_n
    return {
        "n": rate.n,
        "effective_n": rate.effective,
        "value": rate.value,
        "low": None if judge_only else rate.low,  # nobody knows how far a judge is from people
        "high": None if judge_only else rate.high,
        "ac1": agreed.ac1 if agreed else None,
        "ac1_low": agreed.ac1_low if agreed else None,
        "ac1_high": agreed.ac1_high if agreed else None,
        "kappa": agreed.kappa if agreed else None,
        "comparator": judge,
        "judge_only": judge_only,
        "unknown_probability": int((~(floats(part, "sampling_probability") > 0)).sum()),
        "human_n": human_n,
        **_spread("people", people),
        **_worth(part, weights, large),
    }


def _agreed(part: pa.Table, differs: Floats, weights: Floats) -> Agreement | None:
    """Agreement of the labels beyond chance; None where no labels were compared."""
    both = pa.chunked_array([*part["answer_label"].chunks, *part["shadow_label"].chunks], pa.string())
    numbers, words = codes(pa.table({"label": both}), "label")
    if not len(differs) or (numbers == len(words) - 1).any():
        return None
    _, dense = np.unique(numbers, return_inverse=True)
    return weighted(dense[: len(differs)], dense[len(differs) :], differs == 0, weights)


def _people(part: pa.Table, differs: Floats, weights: Floats) -> Estimate | None:
    """What people would say of all pairs, from what they said of some and the comparator of all."""
    said = floats(part, "people_disagree")
    labelled, told = np.isfinite(said), np.isfinite(differs)
    if not labelled.any():
        return None
    both, rest = labelled & told, told & ~labelled
    if both.sum() < labelled.sum():  # the comparator is silent on some: people alone
        return share(said[labelled], weights[labelled])
    return ppi_mean(said[both], differs[both], differs[rest], weights[both], weights[rest])


def _comparator(part: pa.Table) -> str | None:
    """The comparators of the slice, in words."""
    words = sorted({word for word in part["comparator"].unique().to_pylist() if word is not None})
    return "; ".join(words) or None


def _worth(part: pa.Table, weights: Floats, large: Sequence[str]) -> dict[str, Any]:
    """How good both answers are where both were graded, and by how much the large lane's is better."""
    given, shadow = floats(part, "answer_grade"), floats(part, "shadow_grade")
    graded = np.isfinite(given) & np.isfinite(shadow)
    lanes, names = codes(part, "lane")
    from_large = np.array([name in large for name in names])[lanes]
    crossed = graded & (from_large != (floats(part, "shadow_large") > 0))
    gap = np.where(from_large, given - shadow, shadow - given)[crossed]
    found = mean(gap, weights[crossed])
    return {
        "graded": int(graded.sum()),
        "production_grade": share(given[graded], weights[graded]).value,
        "shadow_grade": share(shadow[graded], weights[graded]).value,
        **_spread("large_minus_small", found),
        "large": _verdict(found),
    }


def _verdict(gap: Estimate) -> str | None:
    """What the difference says of the large lane; None where nothing was graded."""
    if gap.value is None:
        return None
    if gap.value < 0:
        return WORSE if gap.high is not None and gap.high < 0 else PERHAPS
    return "better" if gap.low is not None and gap.low > 0 else "no worse"


def _spread(name: str, found: Estimate | None) -> dict[str, float | None]:
    """A figure and its interval under three names."""
    value, low, high = (found.value, found.low, found.high) if found else (None, None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _table(rows: Sequence[Mapping[str, Any]], by: Sequence[str]) -> pa.Table:
    """The rows with the types they have even where all is unknown."""
    types: dict[str, pa.DataType] = dict.fromkeys(by, pa.string()) | dict.fromkeys(_FIGURES, pa.float64()) | _TYPES
    return pa.Table.from_pylist(list(rows), pa.schema(types))
