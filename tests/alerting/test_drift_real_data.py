"""The drift detector on series of other people: a real mix of lanes, and series that are known to hold no anomaly."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from controlsurface.alerting import cusum
from controlsurface.alerting.baseline import BUCKET_S, Floats, fit
from controlsurface.alerting.drift import fresh
from controlsurface.alerting.likelihood import law
from controlsurface.alerting.replay import Change, replay

from .drift_traffic import DAY, START_S

WEEK = 7 * DAY


def onsets(n: Floats, k: Floats, learnt: slice, watched: slice) -> list[Change]:
    """Drifts in some buckets after others were learnt."""
    at_s = START_S + BUCKET_S * np.arange(len(n))
    hourly = (each[learnt].reshape(-1, 12, n.shape[1]).sum(axis=1) for each in (n, k))
    known = law(fit(at_s[learnt][::12], *hourly))
    threshold = cusum.threshold(n.shape[1])
    _, changes = replay(fresh(n.shape[1]), known, int(at_s[watched][0]), n[watched], k[watched], threshold)
    return [change for change in changes if change.drifting]


@pytest.mark.parametrize("lane", ["m-small", "m-mid", "m-large"])
def test_a_week_of_a_real_mix_of_lanes_replayed_is_at_most_one_drift(shared_data: Path, lane: str) -> None:
    rates = pl.read_parquet(shared_data / "servegen" / "lane_rate_10min_days0to6.parquet")
    wide = rates.pivot(on="model", index="t_s", values="rate_per_s").sort("t_s").drop("t_s")
    requests = np.repeat(wide.to_numpy() * BUCKET_S, 2, axis=0)  # two buckets of five minutes for each of ten
    twice = np.tile(requests, (2, 1))
    n, k = twice.sum(axis=1, keepdims=True), twice[:, [wide.columns.index(lane)]]
    assert len(onsets(n, k, slice(0, WEEK), slice(WEEK, 2 * WEEK))) <= 1


def test_series_without_an_anomaly_have_no_drift(shared_data: Path) -> None:
    series = pl.read_parquet(shared_data / "nab" / "series.parquet")
    quiet = series.filter(pl.col("file").str.starts_with("artificialNoAnomaly"))
    assert quiet["file"].n_unique() == 5
    for _, each in quiet.group_by("file"):
        values = each.sort("timestamp")["value"].to_numpy()
        bounds = np.quantile(values[:WEEK], [0.5, 0.9, 0.95])
        k = (values[:, None] > bounds).astype(float)
        assert onsets(np.ones_like(k), k, slice(0, WEEK), slice(WEEK, 2 * WEEK)) == []
