"""The sight of a test: figures as the test gives them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from controlsurface.alerting.cases import Case, Series, named
from controlsurface.alerting.evaluate import Sight
from controlsurface.alerting.expand import expanded
from controlsurface.alerting.figures import Answers, Figure, Figures, Found, Need, Values
from controlsurface.alerting.gauges import GAUGES
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.intervals import wilson
from controlsurface.metrics.moments import Moments


@dataclass(frozen=True, slots=True)
class Staged(Sight):
    """Figures as a test gives them; what it does not give is measured in the store."""

    case: Case = field(kw_only=True)

    def answers(self, wanted: Sequence[Need], moments: Moments) -> Answers:
        """The figures of series where there are any of the metric, else the store's."""
        given = {named(each.series)[0] for each in self.case.input_series}
        asked = Sight.answers(self, [need for need in wanted if need.metric not in given], moments)
        return {**asked, **{need: self._found(need, moments) for need in wanted if need.metric in given}}

    def _found(self, need: Need, moments: Moments) -> Found:
        """One metric's figures at each moment."""
        found: dict[datetime, Figures] = {}
        at = moments.first
        while at <= moments.last:
            found[at] = Figures.of(dict(self._figures(need, at)))
            at += moments.every
        return found

    def _figures(self, need: Need, at: datetime) -> Iterator[tuple[Values, Figure]]:
        for each in self.case.input_series:
            name, given = named(each.series)
            value = self._sample(each, at - need.view.offset, need.view.over if need.waited else timedelta())
            if name == need.metric and set(given) <= set(need.view.by) and value is not None:
                yield tuple(given.get(dimension) for dimension in need.view.by), _figure(name, value, each.n)

    def _sample(self, series: Series, at: datetime, back: timedelta) -> float | None:
        """The sample at a moment, or the last one not longer ago than `back`."""
        samples = expanded(series.values)
        last = (at - self.case.start) // self.case.interval
        first = last - back // self.case.interval
        window = [value for value in samples[max(first, 0) : max(last + 1, 0)] if value is not None]
        return window[-1] if window else None

    def server(self, at: datetime) -> Mapping[str, float]:
        """The server's own figures at a moment."""
        of_gauges = ((named(each.series)[0], self._sample(each, at, timedelta())) for each in self.case.input_series)
        return {name: value for name, value in of_gauges if name in GAUGES and value is not None}


def _figure(metric: str, value: float, n: int) -> Figure:
    """A figure as it would be measured: a share with its Wilson interval."""
    if CATALOG[metric].kind != "ratio" or not n:
        return Figure(value, n)
    low, high = wilson(np.array([value]), np.array([float(n)]))
    return Figure(value, n, float(low[0]), float(high[0]))
