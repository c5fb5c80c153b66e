"""The timer on Triage and the tab Control of Cost: time that was spent stands beside what calls cost."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.costs.incidents import IncidentBody, IncidentsQuery, RecordIncident
from controlsurface.config import Config
from controlsurface.config.control_costs import ControlConfig
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving
from tests.ui.conftest import Open


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[LocalClient, str]]:
    store = DuckStore.in_memory()
    seed(store, n=400, end=datetime.now(UTC))
    client = LocalClient(store, config=Config(control=ControlConfig(hourly_usd=60)))
    with serving(client, client.config) as url:
        yield client, url
    store.close()


def test_the_timer_on_triage_is_about_what_is_filtered_and_its_minutes_stand_in_the_tab_control(
    collector: tuple[LocalClient, str], opened: Open
) -> None:
    client, url = collector
    page = opened(url, "triage.py", range="24h", lane="large")
    assert not page.exception
    (start,) = (each for each in page.button if each.label == "Start the timer")
    start.click().run()
    assert not page.exception
    (row,) = as_dicts(client.run(IncidentsQuery()).rows)
    assert (row["slice"], row["ended_at"]) == (["lane:large"], None)
    (stop,) = (each for each in page.button if each.label == "Stop the timer")
    stop.click().run()
    assert as_dicts(client.run(IncidentsQuery()).rows)[0]["ended_at"] is not None
    told = {"minutes": 30, "slice": ("lane:large",), "recorded_by": "ada", "note": "chat"}
    client.execute(RecordIncident(IncidentBody.model_validate(told)))
    page = opened(url, "cost.py", range="24h", part="Control")
    assert not page.exception
    table = page.dataframe[0].value
    large = table[table["name"] == "large"].iloc[0]
    assert large["engineer_minutes"] == pytest.approx(30, abs=1)
    assert large["engineer_usd"] == pytest.approx(30, abs=1)
    assert large["total_usd"] == pytest.approx(large["calls_usd"] + large["engineer_usd"], rel=1e-6)
