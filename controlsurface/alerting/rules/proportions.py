"""Which proportions are watched for a metric: its own counts, or shares above quantiles of the baseline."""

import re
from dataclasses import dataclass

from controlsurface.errors import BadRequest
from controlsurface.metrics.measures import SPREADS
from controlsurface.metrics.metric import Metric

WATCHED_QUANTILES = (0.5, 0.9, 0.95)

_RATIO_PATTERN = re.compile(r"sum\((\w+)\) / sum\((\w+)\)")
_SHARE_OF_TOTAL_PATTERN = re.compile(r"sum\((\w+)\) / total\(\1\)")
_QUANTILE_PATTERN = re.compile(r"quantile\((\w+), ([\d.]+)\)")
_DISTRIBUTION_COLUMNS = {"duration_ms": "latency_ms"}  # the sum of one column, the distribution of another


@dataclass(frozen=True, slots=True)
class CountRatio:
    """`k` among `n`: two measures of one source. `whole`: among `n` of all slices together, of which they are parts."""

    k: str
    n: str
    whole: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """One stream a slice."""
        return ("rate",)


@dataclass(frozen=True, slots=True)
class QuantileShares:
    """Rows above the baseline's own quantiles of a column, among all rows in which it is known."""

    column: str
    quantiles: tuple[float, ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """One stream a slice and quantile, named `p90`."""
        return tuple(f"p{100 * q:g}" for q in self.quantiles)


def proportion_of_metric(metric: Metric) -> CountRatio | QuantileShares:
    """What stands for a metric. Raises BadRequest for a metric that no proportion stands for.

    A quantile is watched as the share of rows above it in the baseline; a mean as the shares above P50, P90 and P95.
    """
    if metric.kind == "ratio" and (match := _RATIO_PATTERN.fullmatch(metric.sql)):
        return CountRatio(match[1], match[2])
    if metric.kind == "ratio" and (match := _SHARE_OF_TOTAL_PATTERN.fullmatch(metric.sql)):
        return CountRatio(match[1], match[1], whole=True)
    if match := _QUANTILE_PATTERN.fullmatch(metric.sql):
        return QuantileShares(match[1], (float(match[2]),))
    if metric.kind == "mean" and (match := _RATIO_PATTERN.fullmatch(metric.sql)):
        column = _DISTRIBUTION_COLUMNS.get(match[1], match[1])
        if column in SPREADS[metric.source]:
            return QuantileShares(column, WATCHED_QUANTILES)
    raise BadRequest(f"metric: no proportion stands for '{metric.id}', so its drift cannot be watched")
