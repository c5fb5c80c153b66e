"""What the confidences of the traffic are worth: the question, and its rows."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from controlsurface.audit.answer_pairs import read_audited_rows, select_traffic
from controlsurface.audit.statistics.calibration import CalibrationResult as Found
from controlsurface.audit.statistics.calibration import ReliabilityBin, measure_calibration
from controlsurface.audit.threshold_sweep import ObservedOutcome
from controlsurface.audit.traffic_slices import TrafficSlice, usable_rows
from controlsurface.client.arrow_tables import COUNT, MAYBE_OBJECT, MAYBE_TEXT, NUMBER, OBJECT, SHARE, columns
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.query.arguments import ArgumentText, FilteredRange

_COLUMNS = "lower upper confidence correct low high".split()
_BINS = pa.schema({name: pa.float64() for name in _COLUMNS} | {"n": pa.int64()})


class CalibrationArgs(FilteredRange):
    """Which requests."""

    task_type: ArgumentText | None = Field(None, description="one task type; without it all")


@dataclass(frozen=True, slots=True)
class CalibrationQuery(Query[Result]):
    """The question: is the small lane's answer right as often as the confidence says? A row for each bin.

    Facts: n, kind, basis (who says what is right, of how many pairs and for which share of requests), refused (a
    sentence, or null), the errors, ranking and isotonic map.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/audits/calibration",
        "calibration",
        "What the confidence is worth",
        columns(**dict.fromkeys(("lower", "upper", "confidence"), NUMBER), correct=SHARE, n=COUNT),
        columns(
            **dict.fromkeys(("refused", "kind", "basis"), MAYBE_TEXT),
            **dict.fromkeys(("n", "graded", "by_agreement"), COUNT),
            **dict.fromkeys(("graded_share", "agreement_share"), SHARE),
            errors=OBJECT,
            ranking=MAYBE_OBJECT,
            map=MAYBE_OBJECT,
        ),
        rows="bins",
    )
    arguments: CalibrationArgs

    def run(self, session: StoreSession) -> Result:
        """Read the traffic, keep where the small lane's answer is known, weigh it by the chance of that."""
        wanted = (f"task_type:{self.arguments.task_type}",) if self.arguments.task_type is not None else ()
        window = self.arguments.model_copy(update={"where": (*self.arguments.where, *wanted)})
        rows = usable_rows(read_audited_rows(session, select_traffic(window, session.config)), self.arguments.task_type)
        quality = rows.quality()
        found = _small(rows, quality.outcome)
        return Result(
            pa.Table.from_pylist([_row(each) for each in found.bins], _BINS),
            _facts(found) | {"kind": rows.kind, "basis": quality.basis.words, **asdict(quality.basis)},
        )


def _small(rows: TrafficSlice, outcome: ObservedOutcome) -> Found:
    """The calibration of the small lane's answers, by grades or else by agreement with the large lane."""
    large = rows.large
    correct = np.where(large, outcome.shadow, outcome.given)
    chance = np.where(large, outcome.e, outcome.g)
    seen = np.isfinite(correct) & (chance > 0)
    weights = rows.weight[seen] / chance[seen]
    return measure_calibration(rows.confidence[seen], correct[seen], weights, rows.kind or "probability")


def _row(part: ReliabilityBin) -> dict[str, Any]:
    """A bin, flat."""
    seen = part.correct
    figures = {"n": seen.n, "correct": seen.value, "low": seen.low, "high": seen.high}
    return {"lower": part.lower, "upper": part.upper, "confidence": part.confidence, **figures}


def _facts(found: Found) -> dict[str, Any]:
    """All but the bins, as JSON can say it."""
    parts = {name: part and asdict(part) for name, part in (("ranking", found.ranking), ("map", found.map))}
    return {"n": found.n, "refused": found.refused, "errors": asdict(found.errors) if found.errors else {}} | parts
