"""How far apart two lanes are, against plain Python over the same requests."""

import math
from statistics import median

import numpy as np
import polars as pl
import pytest

from controlsurface.ui.separation import separation


def bins(lane: str, values: list[float]) -> pl.DataFrame:
    """The store's bins of these latencies."""
    counted: dict[int, int] = {}
    for value in values:
        index = math.floor(math.log(value) / math.log(1.05))
        counted[index] = counted.get(index, 0) + 1
    rows = [{"lane": lane, "lower": 1.05**i, "upper": 1.05 ** (i + 1), "n": float(n)} for i, n in counted.items()]
    return pl.DataFrame(rows)


def drawn(seed: int, centre: float) -> list[float]:
    return list(np.random.default_rng(seed).lognormal(centre, 0.6, 400))


@pytest.mark.parametrize("gap", [0.0, 0.3, 1.5, -1.0])
def test_figures_from_bins_are_those_of_the_requests(gap: float) -> None:
    fast, slow = drawn(1, 5.0), drawn(2, 5.0 + gap)
    found = separation(pl.concat([bins("small", fast), bins("large", slow)]), "small", "large")
    assert found.faster == pytest.approx(np.mean([a < b for a in fast for b in slow]), abs=0.01)
    assert found.fast_median_ms == pytest.approx(median(fast), rel=0.025)
    assert found.slow_median_ms == pytest.approx(median(slow), rel=0.025)
    assert found.beyond == pytest.approx(np.mean([a > median(slow) for a in fast]), abs=0.03)


def test_a_lane_is_as_fast_as_itself() -> None:
    same = pl.concat([bins("small", drawn(1, 5)), bins("large", drawn(1, 5))])
    assert separation(same, "small", "large").faster == pytest.approx(0.5)


def test_requests_of_no_duration_are_the_fastest() -> None:
    nothing = pl.DataFrame({"lane": ["small"], "lower": [0.0], "upper": [0.0], "n": [9.0]})
    found = separation(pl.concat([nothing, bins("large", [100.0] * 9)]), "small", "large")
    assert (found.faster, found.beyond) == (1, 0)
