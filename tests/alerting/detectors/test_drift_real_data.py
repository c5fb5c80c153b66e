"""The drift detector on series of other people: a real mix of lanes, and series that are known to hold no anomaly."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from controlsurface.alerting.detectors.drift.drift_engine import replay_drift_rule
from controlsurface.alerting.detectors.drift.drift_replay import DriftChange, replay_counts
from controlsurface.alerting.detectors.drift.drift_state import fresh_state
from controlsurface.alerting.detectors.statistics import cusum
from controlsurface.alerting.detectors.statistics.count_baseline import BUCKET_S, fit_baseline
from controlsurface.alerting.detectors.statistics.cusum import likelihood_ratios
from controlsurface.alerting.model import RuleReading
from controlsurface.alerting.rules import rule_loader
from controlsurface.alerting.rules.rule_models import DriftRule
from controlsurface.arrays import Floats
from controlsurface.shipped_paths import ALERTS
from controlsurface.store.duckdb import DuckStore
from tests.alerting.detectors.drift_traffic import DAY, START_S, datetime_of_day, drift_rule, insert_rows

WEEK = 7 * DAY


def onsets(n: Floats, k: Floats, learnt: slice, watched: slice) -> list[DriftChange]:
    """Drifts in some buckets after others were learnt."""
    at_s = START_S + BUCKET_S * np.arange(len(n))
    hourly = (each[learnt].reshape(-1, 12, n.shape[1]).sum(axis=1) for each in (n, k))
    known = likelihood_ratios(fit_baseline(at_s[learnt][::12], *hourly))
    threshold = cusum.score_threshold(n.shape[1])
    _, changes = replay_counts(fresh_state(n.shape[1]), known, int(at_s[watched][0]), n[watched], k[watched], threshold)
    return [change for change in changes if change.drifting]


@pytest.fixture(scope="module")
def mix(shared_data: Path) -> Iterator[DuckStore]:
    """A week of a real mix of three lanes, twice: once to learn from and once to be watched."""
    rates = pl.read_parquet(shared_data / "servegen" / "lane_rate_10min_days0to6.parquet").sort("model", "t_s")
    with closing(DuckStore.in_memory()) as store:
        for again in range(2 * 2):  # two weeks, and two buckets of five minutes for each ten
            at_s = START_S + again // 2 * WEEK * BUCKET_S + again % 2 * BUCKET_S + rates["t_s"].to_numpy()
            lanes = rates["model"].str.strip_prefix("m-")
            sent = {
                "started_at": pa.array(at_s.astype(np.int64) * 1_000_000, pa.timestamp("us")),
                "sample_weight": rates["rate_per_s"].to_numpy() * BUCKET_S,
                "task_type": ["chat"] * len(lanes),
                "lane": lanes.to_list(),
                "escalated": (lanes != "small").to_list(),
            }
            insert_rows(store, sent)
        yield store


def alerts(store: DuckStore, watched: DriftRule) -> list[RuleReading]:
    """Each time that a slice began to drift in the second week."""
    found: list[RuleReading] = []
    drifting: set[object] = set()
    for _, readings in replay_drift_rule(store, watched, datetime_of_day(7), datetime_of_day(14)):
        firing = {tuple(each.slice.values()): each for each in readings if each.breach}
        found += [each for key, each in firing.items() if key not in drifting]
        drifting = set(firing)
    return found


def test_a_change_of_a_real_lane_mix_is_one_alert_that_names_the_other_lanes(mix: DuckStore) -> None:
    (told,) = alerts(mix, drift_rule(metric="request_share", by=["lane"]))
    assert told.slice == {"lane": "small"}
    assert [each["lane"] for each in told.evidence["moved_with_it"]] == ["mid"]


def test_a_week_of_a_real_mix_of_lanes_raises_at_most_one_drift_alert_of_the_shipped_rules(mix: DuckStore) -> None:
    shipped = [
        each
        for each in rule_loader.load_rule_files(rule_loader.find_rule_files([ALERTS])).rules.values()
        if isinstance(each, DriftRule)
    ]
    assert len(shipped) >= 5
    assert sum(len(alerts(mix, each)) for each in shipped) <= 1


def test_series_without_an_anomaly_have_no_drift(shared_data: Path) -> None:
    series = pl.read_parquet(shared_data / "nab" / "series.parquet")
    quiet = series.filter(pl.col("file").str.starts_with("artificialNoAnomaly"))
    assert quiet["file"].n_unique() == 5
    for _, each in quiet.group_by("file"):
        values = each.sort("timestamp")["value"].to_numpy()
        bounds = np.quantile(values[:WEEK], [0.5, 0.9, 0.95])
        k = (values[:, None] > bounds).astype(float)
        assert onsets(np.ones_like(k), k, slice(0, WEEK), slice(WEEK, 2 * WEEK)) == []
