"""How often lanes disagree, slice by slice, and where the large lane is the worse one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from controlsurface.arrays import Flags, Floats, Ints
from controlsurface.audit.answer_pairs import code_column, float_column, read_audited_rows, select_pairs
from controlsurface.audit.answer_quality import PairQuality, human_disagreement, pair_quality
from controlsurface.audit.statistics.agreement import Agreement, weighted_agreement
from controlsurface.audit.statistics.weighted_estimate import Estimate, estimate_share, number_or_none
from controlsurface.audit.traffic_slices import most_frequent_numbers
from controlsurface.client.arrow_tables import COUNT, FIGURE, MAYBE_TEXT, TEXT, columns, list_of
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.config.query_limits import OTHER_VALUE
from controlsurface.errors import UnknownName
from controlsurface.metrics.statistics import FAMILYWISE_ALPHA, holm_adjust
from controlsurface.query.arguments import FilteredRange, NameList
from controlsurface.query.dimensions import DIMENSIONS
from controlsurface.store.query_budget import check_budget

BAND_DIMENSION = "band"  # tenths of the confidence
WORSE_VERDICT, PERHAPS_WORSE_VERDICT = "worse", "perhaps worse"
MIN_GRADED_PAIRS = 30  # pairs, and strata that stand for MOST of a slice's requests, under which there is no verdict
MIN_STRATA_SHARE = 0.5

SlicePart = tuple[dict[str, str | None], pa.Table]

_FIGURES = (
    "n effective_n value low high ac1 ac1_low ac1_high kappa comparator judge_only unknown_probability human_n "
    "people_share people people_low people_high graded by_agreement graded_share production_grade shadow_grade "
    "large_minus_small large_minus_small_low large_minus_small_high p_value large"
).split()
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("n", "graded", "by_agreement", "human_n", "unknown_probability"), pa.int64()),
    **dict.fromkeys(("comparator", "large"), pa.string()),
    "judge_only": pa.bool_(),
}


class DisagreementArgs(FilteredRange):
    """Which pairs, and what to break them down by."""

    by: NameList = Field(
        ("task_type",),
        max_length=3,
        description="up to three dimensions of comparisons, or band (tenths of confidence)",
    )


@dataclass(frozen=True, slots=True)
class DisagreementQuery(Query[Result]):
    """The question: a row for each slice, most pairs first. Its facts name the slices where the large lane is worse."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/audits/disagreement",
        "disagreement",
        "How often lanes disagree, by slice, and where the large lane is worse",
        columns(n=COUNT, comparator=MAYBE_TEXT, **dict.fromkeys(("value", "low", "high", "ac1"), FIGURE)),
        columns(large_worse=list_of(TEXT), large_perhaps_worse=list_of(TEXT), slices=COUNT),
    )
    arguments: DisagreementArgs

    def run(self, session: StoreSession) -> Result:
        """Read the pairs once, estimate each slice. Raises UnknownName."""
        by = [_known(name) for name in dict.fromkeys(self.arguments.by)]
        table = read_audited_rows(session, select_pairs(self.arguments, session.config))
        large = [name for name, lane in session.config.lanes.items() if lane.escalation]
        of, slices = _slices(table, by, session.config.limits.answer_values)
        rows = [key | _figures(part, large) for key, part in slices]
        rows.sort(key=lambda row: -row["n"])
        _judged(rows)
        facts: dict[str, Any] = {
            name: [", ".join(str(row[each]) for each in by) or "all" for row in rows if row["large"] == said]
            for name, said in (("large_worse", WORSE_VERDICT), ("large_perhaps_worse", PERHAPS_WORSE_VERDICT))
        }
        return Result(_table(rows, by), facts | {"slices": of})


def _known(name: str) -> str:
    """A dimension of comparisons, or the band. Raises UnknownName."""
    if name != BAND_DIMENSION and name not in DIMENSIONS["comparisons"]:
        raise UnknownName("dimension of comparisons", name, (*DIMENSIONS["comparisons"], BAND_DIMENSION))
    return name


def _slices(table: pa.Table, by: Sequence[str], most: int) -> tuple[int, Iterator[SlicePart]]:
    """How many combinations of values there are; each of the `most` largest, then all others together, as `(other)`.

    Without dimensions all pairs, if there are any.
    """
    columns = [_band(table) if name == BAND_DIMENSION else code_column(table, name) for name in by]
    keys = np.stack([numbers for numbers, _ in columns]) if columns else np.zeros((1, table.num_rows), dtype=np.int64)
    found, place = np.unique(keys, axis=1, return_inverse=True)
    values = [tuple(words[code] for (_, words), code in zip(columns, key, strict=False)) for key in found.T]
    rest = (OTHER_VALUE,) * len(by)
    listed, others = most_frequent_numbers(place.ravel(), [not by or each != rest for each in values], most)
    parts = [(values[each], [each]) for each in sorted(listed)] + ([(rest, others)] if others else [])
    return len(values), (_part(table, by, named, np.isin(place.ravel(), members)) for named, members in parts)


def _part(table: pa.Table, by: Sequence[str], named: Sequence[str | None], mine: Flags) -> SlicePart:
    """One slice: its values, and its pairs. Raises TooSlow, Abandoned."""
    check_budget()
    return dict(zip(by, named, strict=True)), table.filter(pa.array(mine))


def _band(table: pa.Table) -> tuple[Ints, list[str | None]]:
    """The tenth that each pair's confidence lies in; unknown is the last."""
    confidence = float_column(table, "confidence")
    tenths = np.clip(np.floor(np.nan_to_num(confidence) * 10 + 1e-9), 0, 9).astype(np.int64)
    names = [f"{i / 10:.1f} to {(i + 1) / 10:.1f}" for i in range(10)]
    return np.where(np.isfinite(confidence), tenths, 10), [*names, None]


def _figures(part: pa.Table, large: Sequence[str]) -> dict[str, Any]:
    """All that is said of one slice."""
    weights, differs = float_column(part, "weight"), float_column(part, "disagrees")
    told = np.isfinite(differs)
    rate = estimate_share(differs[told], weights[told])
    agreed = _agreed(part.filter(pa.array(told)), differs[told], weights[told])
    said, judge = human_disagreement(part, differs, weights), _comparator(part)
    human_n = said.n if said else 0
    judge_only = judge is not None and judge.startswith("judge") and not human_n
    return {
        "n": rate.n,
        "effective_n": rate.effective,
        "value": rate.value,
        "low": None if judge_only else rate.low,  # nobody knows how far a judge is from people
        "high": None if judge_only else rate.high,
        **{name: getattr(agreed, name, None) for name in ("ac1", "ac1_low", "ac1_high", "kappa")},
        "comparator": judge,
        "judge_only": judge_only,
        "unknown_probability": int((~(float_column(part, "sampling_probability") > 0)).sum()),
        "human_n": human_n,
        "people_share": said.share if said else None,
        **_spread("people", said.figure if said else None),
        **_worth(pair_quality(part, differs, weights, large)),
    }


def _agreed(part: pa.Table, differs: Floats, weights: Floats) -> Agreement | None:
    """Agreement of the labels beyond chance; None where no labels were compared."""
    both = pa.chunked_array([*part["answer_label"].chunks, *part["shadow_label"].chunks], pa.string())
    numbers, words = code_column(pa.table({"label": both}), "label")
    if not len(differs) or (numbers == len(words) - 1).any():
        return None
    _, dense = np.unique(numbers, return_inverse=True)
    return weighted_agreement(dense[: len(differs)], dense[len(differs) :], differs == 0, weights)


def _comparator(part: pa.Table) -> str | None:
    """The comparators of the slice, in words."""
    words = sorted({word for word in part["comparator"].unique().to_pylist() if word is not None})
    return "; ".join(words) or None


def _worth(found: PairQuality) -> dict[str, Any]:
    """How good both answers are, by how much the large lane's is better, and what that rests on."""
    return {
        "graded": found.graded,
        "by_agreement": found.by_agreement,
        "graded_share": found.graded_share,
        "production_grade": found.production,
        "shadow_grade": found.shadow,
        **_spread("large_minus_small", found.gap),
        "p_value": found.chance if _enough(found) else None,
    }


def _enough(found: PairQuality) -> bool:
    """Whether grades tell enough for a verdict: of MIN_GRADED_PAIRS, for most of the slice."""
    return found.gap.n >= MIN_GRADED_PAIRS and found.graded_share >= MIN_STRATA_SHARE


def _judged(rows: Sequence[dict[str, Any]]) -> None:
    """Put the verdicts into the rows, which are looked at together: of equal lanes one look in 20 finds any worse."""
    chances = holm_adjust(np.array([row["p_value"] if row["p_value"] is not None else np.nan for row in rows]))
    for row, chance in zip(rows, chances, strict=True):
        row["p_value"] = number_or_none(chance)
        row["large"] = large_lane_verdict(row["large_minus_small"], row["p_value"])


def large_lane_verdict(gap: float | None, chance: float | None) -> str | None:
    """What a difference and its chance, corrected for all looks, say of the large lane; None: too few grades."""
    if gap is None or chance is None:
        return None
    if chance < FAMILYWISE_ALPHA:
        return WORSE_VERDICT if gap < 0 else "better"
    return PERHAPS_WORSE_VERDICT if gap < 0 else "no worse"


def _spread(name: str, found: Estimate | None) -> dict[str, float | None]:
    """A figure and its interval under three names."""
    value, low, high = (found.value, found.low, found.high) if found else (None, None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _table(rows: Sequence[Mapping[str, Any]], by: Sequence[str]) -> pa.Table:
    """The rows with the types they have even where all is unknown."""
    types: dict[str, pa.DataType] = dict.fromkeys(by, pa.string()) | dict.fromkeys(_FIGURES, pa.float64()) | _TYPES
    return pa.Table.from_pylist(list(rows), pa.schema(types))
