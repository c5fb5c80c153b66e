"""How often the drift detector cries wolf and how soon it speaks, beside other ways to alert, on simulated traffic."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from controlsurface.alerting.detectors.drift.drift_replay import DriftChange
from controlsurface.alerting.detectors.statistics.count_baseline import BUCKET_S, Baseline, fit_baseline
from controlsurface.arrays import Flags, Floats, Ints
from controlsurface.bench import drift_rivals as rivals
from controlsurface.bench.drift_rivals import BUCKETS_A_DAY, DriftTraffic, simulate_drift_traffic

STREAM_COUNT = 250  # of the install; they share the allowance of false alerts
TRAINING_DAYS, WATCHED_DAYS = 28, 10  # days
REQUESTS_PER_DAY = np.array([300.0, 1e3, 3e3, 1e4, 3e4, 1e5, 1e6])
EVENT_RATES = np.array([0.02, 0.05, 0.08, 0.12, 0.3])
SEED = 20_260_105

RivalDetector = Callable[[DriftTraffic, Baseline], Flags]
RIVAL_DETECTORS: dict[str, RivalDetector] = {
    "static 1.25x for 15m": rivals.static_threshold,
    "burn-rate pairs": rivals.burn_rates,
    "hourly z, p < 1e-6": rivals.hourly_z,
}


@dataclass(frozen=True, slots=True)
class DriftBenchSize:
    """How much is simulated: streams without a drift, their days, and streams of each planted drift."""

    streams: int = STREAM_COUNT
    days: int = 28
    runs: int = 40


@dataclass(frozen=True, slots=True)
class DetectorResult:
    """One way to alert: false alarms a week of 250 streams, median hours to find two drifts (NaN: not found)."""

    way: str
    false_alarms_per_week: float
    delay_h_8_to_12_at_100k: float
    delay_h_2_to_10_at_3k: float
    onsets_per_week_constant_drift: float


@dataclass(frozen=True, slots=True)
class DriftBenchResult:
    """The product's own figures, then all ways."""

    family_false_alarms_per_week: float
    delay_h_8_to_12_at_100k: float
    delay_h_2_to_10_at_3k: float
    onsets_per_week_constant_drift: float
    ways: tuple[DetectorResult, ...]

    def rounded(self) -> dict[str, object]:
        """As it is printed."""
        return {key: _rounded(value) for key, value in asdict(self).items()}

    def table(self) -> list[dict[str, object]]:
        """One row a way."""
        return [asdict(way) for way in self.ways]


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 3) if np.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, tuple | list) else value


@dataclass(frozen=True, slots=True)
class _Case:
    """Four weeks to learn from, then what is watched; `onset` is the bucket of each stream from which it drifts."""

    baseline: Baseline
    traffic: DriftTraffic
    onset: Ints

    @property
    def weeks(self) -> float:
        """How long it is watched."""
        return len(self.traffic.n) / BUCKETS_A_DAY / 7


def run_drift_bench(
    say: Callable[[str], None], seed: int = SEED, size: DriftBenchSize | None = None
) -> DriftBenchResult:
    """Simulate and measure; the same seed gives the same figures."""
    random, size = np.random.default_rng(seed), size or DriftBenchSize()
    runs = size.runs
    say(f"{size.streams} streams without a drift, {size.days} days")
    quiet = _case(random, np.resize(REQUESTS_PER_DAY, size.streams), np.resize(EVENT_RATES, size.streams), size.days)
    say("planted drifts")
    wide, slim = _drift(random, runs, 1e5, 0.08, 0.12), _drift(random, runs, 3e3, 0.02, 0.10)
    say("one constant drift, four weeks")
    constant = _case(
        random, np.resize(REQUESTS_PER_DAY, runs), np.full(runs, 0.08), 28, np.resize([1.3, 1.57, 2.5], runs)
    )
    ways = tuple(
        _judge(name, (quiet, wide, slim, constant), say) for name in ("drift engine", "plain CUSUM", *RIVAL_DETECTORS)
    )
    own = ways[0]
    return DriftBenchResult(
        own.false_alarms_per_week,
        own.delay_h_8_to_12_at_100k,
        own.delay_h_2_to_10_at_3k,
        own.onsets_per_week_constant_drift,
        ways,
    )


def _drift(random: np.random.Generator, runs: int, a_day: float, before: float, after: float) -> _Case:
    """The same drift in many streams."""
    change = after / (1 - after) / (before / (1 - before))
    return _case(random, np.full(runs, a_day), np.full(runs, before), WATCHED_DAYS, change)


def _case(
    random: np.random.Generator, a_day: Floats, rate: Floats, days: int, odds_ratio: Floats | float = 1.0
) -> _Case:
    """Traffic whose odds change within the first day of the watch, at any hour."""
    onset = random.integers(0, BUCKETS_A_DAY, len(a_day))
    bucket = np.arange(-TRAINING_DAYS * BUCKETS_A_DAY, days * BUCKETS_A_DAY)[:, None]
    changed = np.where(bucket >= onset, odds_ratio, 1.0)
    traffic = simulate_drift_traffic(random, TRAINING_DAYS + days, a_day, rate, changed)
    learned = traffic.days(0, TRAINING_DAYS).hourly()
    return _Case(
        fit_baseline(learned.at_s, learned.n, learned.k), traffic.days(TRAINING_DAYS, TRAINING_DAYS + days), onset
    )


def _judge(name: str, cases: tuple[_Case, _Case, _Case, _Case], say: Callable[[str], None]) -> DetectorResult:
    """One way in all cases."""
    say(name)
    quiet, wide, slim, constant = (_onsets(name, case) for case in cases)
    return DetectorResult(
        name,
        sum(map(len, quiet)) / cases[0].weeks * STREAM_COUNT / len(quiet),
        _median_hours(wide, cases[1].onset),
        _median_hours(slim, cases[2].onset),
        float(np.mean([len(each) for each in constant])) / cases[3].weeks,
    )


def _onsets(name: str, case: _Case) -> list[list[int]]:
    """Of each stream, the buckets after which it began to fire."""
    if name in RIVAL_DETECTORS:
        return _risen(RIVAL_DETECTORS[name](case.traffic, case.baseline))
    way = rivals.drift_engine_flags if name == "drift engine" else rivals.plain_cusum
    return _begun(way(case.traffic, case.baseline, STREAM_COUNT), case.traffic)


def _risen(present: Flags) -> list[list[int]]:
    before = np.concatenate([np.zeros((1, present.shape[1]), dtype=np.bool_), present[:-1]])
    return [(np.flatnonzero(one) + 1).tolist() for one in (present & ~before).T]


def _begun(changes: list[DriftChange], traffic: DriftTraffic) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(traffic.n.shape[1])]
    for change in changes:
        if change.drifting:
            found[change.stream].append((change.at_s - int(traffic.at_s[0])) // BUCKET_S)
    return found


def _median_hours(onsets: list[list[int]], drifts: Ints) -> float:
    """From each drift to the next onset; more than half without one: not a number."""
    later = [[at - drift for at in each if at > drift] for each, drift in zip(onsets, drifts.tolist(), strict=True)]
    hours = [each[0] * BUCKET_S / 3600 if each else np.inf for each in later]
    middle = float(np.median(hours))
    return middle if np.isfinite(middle) else float("nan")
