"""The tab Budgets of the page Cost, and what routing saved as a tile."""

from datetime import UTC, datetime

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.costs.budgets_query import BudgetsArgs, BudgetsQuery
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.config import parse_config
from controlsurface.formatting import format_value
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving
from tests.ui.conftest import Open
from tests.ui.test_pages import html

CONFIG = parse_config(
    {
        "budgets": [
            {"name": "Search chat", "usd": 1_000_000, "team": "search", "task_type": "chat"},
            {"name": "Everything", "usd": "0.000001"},
        ]
    },
    "test",
)


def test_the_budgets_tab_shows_whose_budgets_are_spent(opened: Open, seeded: DuckStore) -> None:
    reader = LocalClient(seeded, config=CONFIG)
    with serving(reader) as url:
        rows = opened(url, "cost.py", range="24h", part="Budgets").dataframe[0].value
    spent = reader.run(BudgetsQuery(BudgetsArgs(at=datetime.now(UTC)))).rows["spent_usd"].to_pylist()
    assert [*rows["calls of"]] == ["team=search, task_type=chat", "all calls"]
    assert rows["status"].iloc[1] == "Exceeded"
    assert [*rows["spent_usd"]] == pytest.approx(spent, rel=1e-3)


def test_the_overview_says_what_was_saved_and_which_share_that_is(
    opened: Open, seeded_url: str, seeded: DuckStore
) -> None:
    app = opened(seeded_url, range="7d")
    view, reader = app.session_state["_view"], LocalClient(seeded)
    for metric, unit in (("saving_vs_all_large", "usd"), ("saving_share_vs_all_large", "ratio")):
        args = MetricArgs(metric=metric, start=view.start, end=view.end)
        (row,) = reader.run(MetricQuery(args)).rows.to_pylist()
        (tile,) = (each for each in html(app).split("<dl") if "Saved vs all-large" in each)
        assert format_value(row["value"], unit) in tile.split('class="facts"')[0]
