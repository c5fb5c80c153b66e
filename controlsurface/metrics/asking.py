"""Questions about metrics, planned, rendered and run: `rows` runs a statement where the store is."""

from collections.abc import Callable

import pyarrow as pa

from controlsurface.metrics import histogram, several
from controlsurface.metrics.histogram import DistributionArgs
from controlsurface.metrics.several import CountsArgs, SeveralArgs
from controlsurface.metrics.statement import Statement

Rows = Callable[[Statement], pa.Table]


def ask_several(rows: Rows, args: SeveralArgs) -> pa.Table:
    """Several metrics of one source: bucket?, the dimensions, and of each metric M: M, M_n, of ratios M_low, M_high."""
    statement = several.render(args)
    return statement.bounded(rows(statement))


def ask_counts(rows: Rows, args: CountsArgs) -> pa.Table:
    """The counts of a share: bucket?, the dimensions, k, n (weighted), rows (stored), effective (Kish's size)."""
    statement = several.render_counts(args)
    return statement.bounded(rows(statement))


def ask_bins(rows: Rows, args: DistributionArgs) -> pa.Table:
    """Bins of a column of requests: bucket?, the dimensions, lower, upper, n (weighted)."""
    statement = histogram.render(args)
    return statement.bounded(rows(statement))
