"""What the store's bins of latencies tell about lanes, against plain Python over the same requests."""

import math
from collections.abc import Sequence
from statistics import median

import numpy as np
import polars as pl
import pytest

from controlsurface.alerting.detectors.statistics.latency_histogram import compare_lanes
from controlsurface.ui.reports.lane_latency import bimodal_slices, latency_histogram


def bins(values: Sequence[float], lane: str = "small", task_type: str = "chat") -> pl.DataFrame:
    """The store's bins of these latencies."""
    counted: dict[int, int] = {}
    for value in values:
        index = math.floor(math.log(value) / math.log(1.05))
        counted[index] = counted.get(index, 0) + 1
    rows = [
        {"task_type": task_type, "lane": lane, "lower": 1.05**i, "upper": 1.05 ** (i + 1), "n": float(n)}
        for i, n in counted.items()
    ]
    return pl.DataFrame(rows)


def drawn(seed: int, centre: float) -> list[float]:
    return list(np.random.default_rng(seed).lognormal(centre, 0.6, 400))


@pytest.mark.parametrize("gap", [0.0, 0.3, 1.5, -1.0])
def test_lane_comparisons_from_bins_are_those_of_the_requests(gap: float) -> None:
    fast, slow = drawn(1, 5.0), drawn(2, 5.0 + gap)
    one, other = latency_histogram(bins(fast)), latency_histogram(bins(slow))
    found = compare_lanes(one, other)
    assert found.faster == pytest.approx(np.mean([a < b for a in fast for b in slow]), abs=0.01)
    assert one.quantile(0.5) == pytest.approx(median(fast), rel=0.025)
    assert other.quantile(0.5) == pytest.approx(median(slow), rel=0.025)
    assert found.beyond == pytest.approx(np.mean([a > median(slow) for a in fast]), abs=0.03)


def test_a_lane_is_as_fast_as_itself() -> None:
    assert compare_lanes(
        latency_histogram(bins(drawn(1, 5))), latency_histogram(bins(drawn(1, 5)))
    ).faster == pytest.approx(0.5)


def test_requests_of_no_duration_are_the_fastest() -> None:
    nothing = pl.DataFrame({"lower": [0.0], "upper": [0.0], "n": [9.0]})
    found = compare_lanes(latency_histogram(nothing), latency_histogram(bins([100.0] * 9)))
    assert (found.faster, found.beyond) == (1, 0)


def test_a_bimodal_lane_is_named_with_both_modes_and_the_share_of_the_smaller() -> None:
    found, looked_at = bimodal_slices(
        pl.concat(
            [
                bins([*drawn(1, 5), *drawn(2, 9)[:40]], "small", "sql"),
                bins(drawn(3, 5), "small", "chat"),
                bins([*drawn(4, 5)[:50], *drawn(5, 9)[:20]], "large", "chat"),  # too few
            ]
        )
    )
    (row,) = found.to_dicts()
    assert looked_at == 2
    assert (row["task_type"], row["lane"], row["n"]) == ("sql", "small", 440)
    assert row["share"] == pytest.approx(40 / 440, abs=0.02)
    assert (row["low"], row["high"]) == (pytest.approx(math.exp(5), rel=0.1), pytest.approx(math.exp(9), rel=0.2))
