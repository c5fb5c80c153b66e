"""How long a drift takes to be found, by the hour it begins in: walked through hour by hour, and by the detector."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.alerting.detectors.drift.drift_replay import replay_counts
from controlsurface.alerting.detectors.drift.drift_state import fresh_state
from controlsurface.alerting.detectors.drift.drift_store import _baseline_columns, _baseline_from_rows
from controlsurface.alerting.detectors.statistics.count_baseline import (
    BUCKET_S,
    DAY_S,
    HOUR_CELLS,
    HOUR_S,
    fit_baseline,
    mean_hourly_volume,
)
from controlsurface.alerting.detectors.statistics.cusum import likelihood_ratios, score_threshold
from controlsurface.alerting.detectors.statistics.detection_power import (
    expected_delay,
    requests_needed,
)
from controlsurface.arrays import Floats, Ints

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
MONDAY_S = int(MONDAY.timestamp())
DAY = [2, 1, 1, 1, 2, 5, 20, 60, 110, 140, 150, 150, 140, 140, 150, 150, 140, 110, 80, 60, 40, 20, 10, 5]
PROFILE = np.array([*DAY, *(n / 4 for n in DAY)], dtype=float)  # requests an hour, weekdays and weekends


def requests_over(at_s: Ints) -> Floats:
    """Requests in the hour of each moment, a column."""
    weekend = (at_s // DAY_S + 3) % 7 >= 5  # 1970 began on a Thursday
    return PROFILE[at_s % DAY_S // HOUR_S + 24 * weekend][:, None]


def hours_by_walking(needed: float, onsets: Ints, profile: Floats) -> Floats:
    """Hours from each onset, an hour of the week, until so many requests have come, an hour at a time."""
    week = np.concatenate([*[profile[:24]] * 5, *[profile[24:]] * 2])
    at, left = onsets.copy(), np.full(len(onsets), needed)
    while (on := left > week[at % 168]).any():
        left[on] -= week[at[on] % 168]
        at[on] += 1
    rest = np.divide(left, week[at % 168], out=np.zeros_like(left), where=left > 0)
    hours: Floats = at - onsets + rest
    return hours


@given(
    needed=st.floats(0.5, 40_000),
    profile=st.lists(st.integers(0, 200), min_size=HOUR_CELLS, max_size=HOUR_CELLS).filter(lambda p: sum(p[:24]) > 50),
)
def test_the_range_of_expected_delay_covers_all_hours_of_a_week(needed: float, profile: list[int]) -> None:
    busy = np.array(profile, dtype=float)
    truth = hours_by_walking(needed, np.arange(168), busy)
    found = expected_delay(np.array([needed]), busy[:, None])
    assert found.low[0] == pytest.approx(truth.min(), abs=1e-6)
    assert found.high[0] == pytest.approx(truth.max(), abs=1e-6)
    assert found.mean[0] == pytest.approx(math.fsum(truth.tolist()) / 168, abs=1e-6)


def test_the_expected_delay_of_steady_traffic_is_the_formula_at_every_hour() -> None:
    found = expected_delay(np.atleast_1d(requests_needed(0.1, 2, 13.0)), np.full((HOUR_CELLS, 1), 100.0))
    same = 24 * float(requests_needed(0.1, 2, 13.0)) / 2_400
    assert [found.low[0], found.mean[0], found.high[0]] == pytest.approx([same] * 3)


def test_an_onset_at_night_takes_far_longer_than_the_same_traffic_without_seasons_and_the_range_says_so() -> None:
    busy = 10 * np.tile(np.array(DAY, dtype=float), 2)
    needed = requests_needed(0.1, 2, score_threshold(250))
    flat = 24 * float(needed) / (10 * sum(DAY))
    found = expected_delay(np.atleast_1d(needed), busy[:, None])
    (night,) = hours_by_walking(float(needed), np.array([168 - 2]), busy)  # Sunday, at ten in the evening
    assert night > 2 * flat
    assert found.low[0] <= flat < night <= found.high[0]


def test_the_detector_finds_a_doubling_within_the_range_whenever_it_begins() -> None:
    """Counts are as expected, without chance: only the mixture of alternatives adds to the formula's delay."""
    learnt_s = MONDAY_S + HOUR_S * np.arange(-14 * 24, 0)
    n = requests_over(learnt_s)
    known = fit_baseline(learnt_s, n, 0.1 * n)
    assert known.volume[:, 0] == pytest.approx(PROFILE)
    needed = requests_needed(0.1, 2, score_threshold(50), known.tolerance, known.phi)
    doubled = 2 * 0.1 / (1 + 0.1)
    found = expected_delay(needed, known.volume)
    most_s = np.arange(0, 1.3 * found.high[0] * HOUR_S, BUCKET_S, dtype=np.int64)  # later than this is too late
    took = []
    for hour in range(0, 168, 7):
        first_s = MONDAY_S + hour * HOUR_S
        n = requests_over(first_s + most_s) / 12
        _, (change, *_) = replay_counts(
            fresh_state(1), likelihood_ratios(known), first_s, n, doubled * n, score_threshold(50)
        )
        took.append((change.at_s - first_s) / 3600)
    assert found.low[0] * 0.9 <= min(took) <= found.low[0] * 1.5
    assert found.high[0] * 0.7 <= max(took) <= found.high[0] * 1.3
    assert max(took) > 3 * min(took)


def test_mean_hourly_volume_counts_only_hours_of_a_streams_own_window() -> None:
    at_s = MONDAY_S + HOUR_S * np.arange(7 * 24)
    inside = (np.arange(7 * 24) >= 48)[:, None]
    assert mean_hourly_volume(at_s, np.full((7 * 24, 1), 10.0) * inside, inside)[:, 0] == pytest.approx(
        np.full(HOUR_CELLS, 10.0)
    )


def test_expected_delay_is_infinite_without_requests_and_unknown_without_counts() -> None:
    found = expected_delay(
        np.array([500.0, 500.0]), np.stack([np.zeros(HOUR_CELLS), np.full(HOUR_CELLS, np.nan)], axis=1)
    )
    assert found.low[0] == found.high[0] == math.inf
    assert np.isnan([found.low[1], found.high[1]]).all()


def test_a_baseline_of_an_older_store_is_read_without_its_traffic() -> None:
    learnt_s = MONDAY_S + HOUR_S * np.arange(-14 * 24, 0)
    known = fit_baseline(learnt_s, np.full((len(learnt_s), 1), 50.0), np.full((len(learnt_s), 1), 5.0))
    packed = _baseline_columns(known).tolist()
    assert np.array_equal(_baseline_from_rows(packed).volume, known.volume)
    older = _baseline_from_rows([packed[0][: HOUR_CELLS + 4]])
    assert np.array_equal(older.rates, known.rates)
    assert np.isnan(older.volume).all()
