"""One window has one figure: on the page, in the API, on the command line, in the export, and in plain Python."""

import io
import json
from collections.abc import Iterable, Mapping
from contextlib import closing, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from controlsurface.cli import run_command
from controlsurface.client import LocalClient
from controlsurface.export.weekly_cost import export_weekly_cost
from controlsurface.money.cost_attribution import AttributionArgs, week_of, week_start
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving
from tests.ui.conftest import Open

WEEK = timedelta(days=7)
Costs = dict[str | None, float]


def summed(store: DuckStore, start: datetime) -> Costs:
    """The week's cost by lane, added up from the rows."""
    costs: Costs = {}
    for row in store.state("SELECT lane, started_at, sample_weight, cost_usd FROM attempts").to_pylist():
        at = row["started_at"]
        if at and row["cost_usd"] is not None and start <= at.replace(tzinfo=UTC) < start + WEEK:
            costs[row["lane"]] = costs.get(row["lane"], 0) + row["sample_weight"] * float(row["cost_usd"])
    return costs


def known(rows: Iterable[Mapping[str, Any]], figure: str) -> Costs:
    """A cost by lane, where it is known; answers from a cache owe nothing."""
    return {row["lane"]: float(row[figure]) for row in rows if row[figure] is not None and float(row[figure]) > 0}


def test_cost_by_lane_is_the_same_wherever_it_is_asked(opened: Open, tmp_path: Path) -> None:
    week = week_of(datetime.now(UTC) - WEEK)
    start = week_start(week)
    window = {"start": start.isoformat(), "end": (start + WEEK).isoformat()}
    edges = {"from": start.strftime("%Y-%m-%dT%H:%M"), "to": (start + WEEK).strftime("%Y-%m-%dT%H:%M")}
    with closing(DuckStore.open(tmp_path)) as store, serving(LocalClient(store)) as url:
        seed(store, n=3000, days=14, end=datetime.now(UTC))
        truth = pytest.approx(summed(store, start), rel=1e-9)
        answer = requests.get(f"{url}/api/v1/query", {"metric": "cost", "by": "lane", **window}, timeout=30).json()
        file = export_weekly_cost(
            LocalClient(store), AttributionArgs(week=week, by=("lane",)), "json", datetime.now(UTC)
        )
        app = opened(url, "cost.py", range="custom", **edges)
    table = next(each.value for each in app.dataframe if {"lane", "cost"} <= {*each.value.columns})
    asked = ["query", "cost", "--by", "lane", "--from", window["start"], "--to", window["end"], "--format", "json"]
    written = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(written, write_through=True)):
        assert run_command([*asked, "--data", str(tmp_path)]) == 0
    assert known(json.loads(written.getvalue())["rows"], "value") == truth
    assert known(answer["rows"], "value") == truth
    assert known(json.loads(file.body), "cost_usd") == truth
    assert known(table.to_dict("records"), "cost") == truth
