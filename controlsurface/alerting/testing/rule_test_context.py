"""The sight of a test: figures as the test gives them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.measurements import (
    Measurement,
    MeasurementRequest,
    MeasurementResults,
    MeasurementSeries,
    SliceMeasurements,
    SliceValues,
)
from controlsurface.alerting.rules.gauges import GAUGES
from controlsurface.alerting.testing.rule_test_cases import InputSeries, RuleTestCase, parse_series_name
from controlsurface.alerting.testing.series_notation import expand_series
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.replay_query import ReplayMoments
from controlsurface.metrics.statistics.intervals import wilson_interval


@dataclass(frozen=True, slots=True)
class RuleTestContext(EvaluationContext):
    """Figures as a test gives them; what it does not give is measured in the store."""

    case: RuleTestCase = field(kw_only=True)

    def answers(self, wanted: Sequence[MeasurementRequest], moments: ReplayMoments) -> MeasurementResults:
        """The figures of series where there are any of the metric, else the store's."""
        given = {parse_series_name(each.series)[0] for each in self.case.input_series}
        asked = EvaluationContext.answers(self, [need for need in wanted if need.metric not in given], moments)
        return {**asked, **{need: self._found(need, moments) for need in wanted if need.metric in given}}

    def _found(self, need: MeasurementRequest, moments: ReplayMoments) -> MeasurementSeries:
        """One metric's figures at each moment."""
        found: dict[datetime, SliceMeasurements] = {}
        at = moments.first
        while at <= moments.last:
            found[at] = SliceMeasurements.of(dict(self._figures(need, at)))
            at += moments.every
        return found

    def _figures(self, need: MeasurementRequest, at: datetime) -> Iterator[tuple[SliceValues, Measurement]]:
        for each in self.case.input_series:
            name, given = parse_series_name(each.series)
            value = self._sample(each, at - need.view.offset, need.view.over if need.waited else timedelta())
            if name == need.metric and set(given) <= set(need.view.by) and value is not None:
                yield tuple(given.get(dimension) for dimension in need.view.by), _measurement(name, value, each.n)

    def _sample(self, series: InputSeries, at: datetime, back: timedelta) -> float | None:
        """The sample at a moment, or the last one not longer ago than `back`."""
        samples = expand_series(series.values)
        last = (at - self.case.start) // self.case.interval
        first = last - back // self.case.interval
        window = [value for value in samples[max(first, 0) : max(last + 1, 0)] if value is not None]
        return window[-1] if window else None

    def server(self, at: datetime) -> Mapping[str, float]:
        """The server's own figures at a moment."""
        of_gauges = (
            (parse_series_name(each.series)[0], self._sample(each, at, timedelta())) for each in self.case.input_series
        )
        return {name: value for name, value in of_gauges if name in GAUGES and value is not None}


def _measurement(metric: str, value: float, n: int) -> Measurement:
    """A figure as it would be measured: a share with its Wilson interval."""
    if CATALOG[metric].kind != "ratio" or not n:
        return Measurement(value, n)
    low, high = wilson_interval(np.array([value]), np.array([float(n)]))
    return Measurement(value, n, float(low[0]), float(high[0]))
