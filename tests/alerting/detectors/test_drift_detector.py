"""The drift detector as a function of counts."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlsurface.alerting.detectors.drift.drift_replay import DriftChange, drift_changes, replay_counts
from controlsurface.alerting.detectors.drift.drift_state import (
    STATE_WIDTH,
    DriftState,
    advance_state,
    bet_on_event,
    drift_odds_ratio,
    fresh_state,
)
from controlsurface.alerting.detectors.statistics import cusum
from controlsurface.alerting.detectors.statistics.count_baseline import (
    BUCKET_S,
    DAY_S,
    Baseline,
    days_with_requests,
    fit_baseline,
    hour_cell,
)
from controlsurface.alerting.detectors.statistics.cusum import LikelihoodRatios, likelihood_ratios, odds_ratio
from controlsurface.arrays import Floats, Ints

MONDAY = 1_767_571_200
DAY = DAY_S // BUCKET_S


def traffic(
    days: int, a_day: float, rate: float | Floats, streams: int = 1, seed: int = 1
) -> tuple[Ints, Floats, Floats]:
    random = np.random.default_rng(seed)
    n = random.poisson(a_day / DAY, (days * DAY, streams))
    return MONDAY + BUCKET_S * np.arange(days * DAY), n.astype(float), random.binomial(n, rate).astype(float)


@cache
def trained_baseline(a_day: float = 20_000, rate: float = 0.1, streams: int = 1, length: int = 14) -> Baseline:
    at_s, n, k = traffic(length, a_day, rate, streams, seed=7)
    return fit_baseline(at_s, n, k)


def replay_week(
    changes: Floats | float, a_day: float = 20_000, length: int = 7
) -> tuple[DriftState, list[DriftChange]]:
    """A stream of 10 %, whose rate is as given from the first watched bucket on."""
    _, n, k = traffic(length, a_day, changes, seed=3)
    return replay_counts(
        fresh_state(1), likelihood_ratios(trained_baseline(a_day)), MONDAY, n, k, cusum.score_threshold(50)
    )


def test_a_steady_stream_never_drifts() -> None:
    assert replay_week(0.1, length=28)[1] == []


@pytest.mark.parametrize(("rate", "direction"), [(0.16, 1), (0.06, -1)])
def test_a_changed_rate_is_found_with_its_direction_and_its_onset(rate: float, direction: int) -> None:
    rates = np.where(np.arange(7 * DAY) < 2 * DAY, 0.1, rate)[:, None]
    after, (change,) = replay_week(rates)
    assert after.direction[0] == direction
    assert abs(change.state.since[0] - (MONDAY + 2 * DAY_S)) <= 3 * 3600
    assert change.at_s - (MONDAY + 2 * DAY_S) <= 12 * 3600


def test_a_change_within_the_tolerance_is_no_drift() -> None:
    assert replay_week(0.115, a_day=200_000)[1] == []


def test_a_drift_that_ends_is_over_and_one_that_stays_is_not() -> None:
    for_two_days = np.where(np.arange(7 * DAY) < 2 * DAY, 0.2, 0.1)[:, None]
    assert [change.drifting for change in replay_week(for_two_days)[1]] == [True, False]
    assert [change.drifting for change in replay_week(0.2, length=14)[1]] == [True]


def test_a_weak_drift_at_low_volume_is_over_after_a_day_in_the_band() -> None:
    state = DriftState.from_flat(fresh_state(1).flat())
    drifting = DriftState.from_flat(np.where(np.arange(STATE_WIDTH) < 0, 0, state.flat()))
    drifting.direction[:], drifting.fired_at[:], drifting.held[:, 0] = 1, MONDAY, (50, 7, 5)
    _, n, k = traffic(3, 300, 0.1, seed=4)
    _, changes = replay_counts(drifting, likelihood_ratios(trained_baseline()), MONDAY, n, k, 13)
    assert [change.at_s - MONDAY >= DAY_S for change in changes] == [True]


def test_the_odds_ratio_of_a_drift_is_that_of_the_counts_since_its_onset() -> None:
    after, _ = replay_week(0.2)
    assert drift_odds_ratio(after)[0] == pytest.approx(2.25, rel=0.05)  # 0.2 / 0.8 by 0.1 / 0.9


def test_a_drift_is_found_sooner_after_a_known_event() -> None:
    _, n, k = traffic(4, 3_000, 0.15, streams=20, seed=9)
    known = likelihood_ratios(trained_baseline(streams=20, a_day=3_000))
    plain, sooner = (
        replay_counts(state, known, MONDAY, n, k, cusum.score_threshold(250))[1]
        for state in (fresh_state(20), bet_on_event(fresh_state(20), np.ones(20, dtype=bool), MONDAY))
    )
    assert np.median([c.at_s - MONDAY for c in sooner]) < 0.8 * np.median([c.at_s - MONDAY for c in plain])
    assert np.median([change.state.since[0] for change in sooner]) == MONDAY


def test_a_known_event_that_changes_nothing_raises_no_drift() -> None:
    _, n, k = traffic(10, 3_000, 0.1, streams=50, seed=10)
    state = bet_on_event(fresh_state(50), np.ones(50, dtype=bool), MONDAY)
    assert (
        replay_counts(
            state, likelihood_ratios(trained_baseline(streams=50, a_day=3_000)), MONDAY, n, k, cusum.score_threshold(50)
        )[1]
        == []
    )


def test_a_baseline_of_the_complement_has_the_same_phi_and_tolerance() -> None:
    at_s, n, k = traffic(14, 2_000, 0.04)
    one, other = fit_baseline(at_s, n, k), fit_baseline(at_s, n, n - k)
    assert one.rates == pytest.approx(1 - other.rates)
    assert one.phi == pytest.approx(other.phi)
    assert one.tolerance == pytest.approx(other.tolerance)


def test_a_wobbling_rate_has_a_phi_above_one_and_a_steady_one_has_not() -> None:
    wobble = 0.1 * np.exp(0.2 * np.repeat(np.random.default_rng(2).standard_normal(14 * 24), 12))[:, None]
    at_s, n, k = traffic(14, 20_000, wobble)
    hourly = [each.reshape(-1, 12, 1).sum(axis=1) for each in (n, k)]
    assert fit_baseline(at_s[::12], *hourly).phi[0] > 2
    assert trained_baseline().phi[0] < 1.1


def test_a_baseline_of_a_handful_of_events_tolerates_more() -> None:
    assert trained_baseline(a_day=20).tolerance[0] > 1.3
    assert trained_baseline(a_day=2_000).tolerance[0] == 1.2


def test_days_with_requests_counts_no_empty_day() -> None:
    at_s, n, _ = traffic(9, 1_000, 0.1)
    n[DAY : 3 * DAY] = 0
    assert days_with_requests(at_s, n).tolist() == [7]


def test_the_hours_of_a_weekend_are_cells_of_their_own() -> None:
    hours = MONDAY + 3600 * np.arange(7 * 24)
    assert np.bincount(hour_cell(hours)).tolist() == [5] * 24 + [2] * 24


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=60), st.floats(-2, 5))
def test_the_closed_form_of_cusum_is_its_recursion(ratios: list[float], before: float) -> None:
    recursion, found = np.array([before]), []
    for ratio in ratios:
        recursion = cusum.advance_sums(recursion, np.array([ratio]))
        found.append(recursion[0])
    closed = cusum.cumulative_sums(np.array(ratios)[:, None], np.array([before]))
    assert closed[:, 0] == pytest.approx(found)


@given(st.lists(st.integers(-3, 2), min_size=1, max_size=60))
def test_the_onset_is_where_the_running_sum_was_least(ratios: list[int]) -> None:
    steps = np.array(ratios, dtype=float)[:, None]
    sums = cusum.cumulative_sums(steps, np.zeros(1))
    running = np.concatenate([[0.0], steps.cumsum()])[:-1]
    least = np.flatnonzero(running == running.min())[-1]  # a sum at zero begins anew
    assert cusum.last_start(sums, np.zeros(1))[0] == least


RATES = st.sampled_from([0.1, 0.1, 0.05, 0.2, 0.35])


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(1, 150), RATES), min_size=2, max_size=4), st.integers(0, 200), st.booleans())
def test_a_replay_equals_live_detection_with_restarts(
    parts: list[tuple[int, float]], restart: int, event: bool
) -> None:
    rates = np.concatenate([np.full(length, rate) for length, rate in parts])[:, None] * np.array([1, 0.9, 0.5])
    n, k = _counts(rates)
    known, start = (
        likelihood_ratios(trained_baseline(streams=3)),
        bet_on_event(fresh_state(3), np.array([event, False, False]), MONDAY + 40 * BUCKET_S),
    )
    state, seen = start, list[DriftChange]()
    for bucket in range(len(n)):
        if bucket == restart:
            state = DriftState.from_flat(state.flat())
        after = advance_state(state, known, MONDAY + bucket * BUCKET_S, n[bucket], k[bucket], 9.0)
        seen += drift_changes(state, after, MONDAY + (bucket + 1) * BUCKET_S)
        state = after
    end, changes = replay_counts(start, known, MONDAY, n, k, 9.0)
    assert [(c.stream, c.at_s) for c in changes] == [(c.stream, c.at_s) for c in seen]
    assert end.flat() == pytest.approx(state.flat())


def _counts(rates: Floats) -> tuple[Floats, Floats]:
    random = np.random.default_rng(len(rates))
    n = random.poisson(60, rates.shape)
    return n.astype(float), random.binomial(n, rates).astype(float)


def test_drift_sums_stay_exact_over_months() -> None:
    _, n, k = traffic(180, 1_000_000, 0.1, seed=5)
    known = likelihood_ratios(trained_baseline(a_day=1_000_000))
    whole, _ = replay_counts(fresh_state(1), known, MONDAY, n, k, 13)
    last = slice(-2 * DAY, None)
    short, _ = replay_counts(fresh_state(1), known, MONDAY + 178 * DAY_S, n[last], k[last], 13)
    assert whole.sums == pytest.approx(short.sums, abs=1e-9)


def test_streams_replayed_apart_equal_streams_replayed_together() -> None:
    _, n, k = traffic(2, 5_000, 0.3, streams=4)
    known: LikelihoodRatios = likelihood_ratios(trained_baseline(streams=4))
    both, _ = replay_counts(fresh_state(4), known, MONDAY, n, k, 13)
    halves = [np.array([0, 1]), np.array([2, 3])]
    parts = [replay_counts(fresh_state(2), known.take(h), MONDAY, n[:, h], k[:, h], 13)[0] for h in halves]
    assert parts[0].join(parts[1]).flat() == pytest.approx(both.flat())


def test_an_odds_ratio_without_counts_is_one() -> None:
    assert odds_ratio(*np.zeros((3, 1))).tolist() == [1.0]
