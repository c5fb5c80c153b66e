"""What the demo plants is what the contributors name first, at the rate that the demo has by itself."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.contributor_result import ContributorsQuery
from controlsurface.client.queries.event_list import EventsQuery
from controlsurface.client.queries.request_list import RequestsArgs, RequestsQuery
from controlsurface.demo.demo_company import INCIDENT_TASK, INCIDENT_TENANTS, NEXT_VERSION, DemoSettings
from controlsurface.metrics.contributors.contributor_query import ContributorsArgs
from controlsurface.metrics.queries.event_query import EventsArgs
from tests.demo.demo_store import stored
from tests.stores import put

pytestmark = pytest.mark.no_cover
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PLANTED = [("router_version", NEXT_VERSION), ("task_type", INCIDENT_TASK)]


@pytest.fixture(scope="module")
def incident() -> Iterator[LocalClient]:
    store = stored(DemoSettings(1, "incident", event_at=NOW - DAY), NOW - 3 * DAY, NOW)
    yield LocalClient(store)
    store.close()


@pytest.fixture(scope="module")
def upgrade() -> Iterator[LocalClient]:
    store = stored(DemoSettings(1, "upgrade", event_at=NOW - DAY), NOW - 3 * DAY, NOW)
    yield LocalClient(store)
    store.close()


def ranked(reader: LocalClient, metric: str, back: timedelta = DAY) -> list[dict[str, Any]]:
    """What is different in the last day, against the day before it or two days before."""
    windows = {"start": NOW - DAY, "end": NOW, "baseline_start": NOW - DAY - back, "baseline_end": NOW - DAY}
    return reader.run(ContributorsQuery(ContributorsArgs(metric=metric, **windows))).rows.to_pylist()


@pytest.mark.parametrize("metric", ["escalation_rate", "confidence_below_threshold"])
@pytest.mark.parametrize("back", [DAY, 2 * DAY])
def test_an_incident_is_its_version_its_task_type_and_its_tenants(
    incident: LocalClient, metric: str, back: timedelta
) -> None:
    found = [(row["dimension"], row["value"]) for row in ranked(incident, metric, back)]
    assert found[:2] == PLANTED
    assert {*found[2:4]} == {("tenant", tenant) for tenant in INCIDENT_TENANTS}


def test_the_planted_tenants_come_first_in_the_slice_that_an_alert_names(
    incident: LocalClient,
) -> None:
    windows = {"start": NOW - DAY, "end": NOW, "baseline_start": NOW - 2 * DAY, "baseline_end": NOW - DAY}
    slice_ = ContributorsArgs(metric="escalation_rate", where=(f"task_type:{INCIDENT_TASK}",), **windows)
    found = [(row["dimension"], row["value"]) for row in incident.run(ContributorsQuery(slice_)).rows.to_pylist()]
    assert found[0] == ("router_version", NEXT_VERSION)
    assert {*found[1:3]} == {("tenant", tenant) for tenant in INCIDENT_TENANTS}


def test_the_cost_of_an_incident_is_explained_by_its_callers_before_the_answering_lane(incident: LocalClient) -> None:
    found = [(row["dimension"], row["value"]) for row in ranked(incident, "cost_per_request")]
    assert found[:2] == PLANTED


def test_the_tenants_of_an_incident_stand_out_within_its_task_type_and_no_one_else_does(incident: LocalClient) -> None:
    version, task, *rest = ranked(incident, "escalation_rate")
    assert (version["share_before"], version["share_after"]) == (0, 1)
    assert (version["within"], task["within"]) == (None, None)
    assert all(row["within"] == f"task_type:{INCIDENT_TASK}" and row["z"] > 3 for row in rest[:2])
    assert all(abs(row["z"]) < 3 for row in rest[2:] if row["dimension"] in {"tenant", "task_type", "mode", "job"})


def test_the_version_that_came_stands_before_the_one_that_it_replaced_where_some_rows_have_none(
    incident: LocalClient,
) -> None:
    put(incident._store, [{"started_at": str(NOW.replace(tzinfo=None) - DAY / 2)}] * 30)
    found = [(row["dimension"], row["value"]) for row in ranked(incident, "escalation_rate")]
    assert found[:2] == PLANTED
    assert ("router_version", "2026.40") in found[4:]


def test_an_upgrade_is_its_version_and_nothing_else(upgrade: LocalClient) -> None:
    version, *rest = ranked(upgrade, "escalation_rate")
    assert (version["dimension"], version["value"], version["share_after"]) == (
        "router_version",
        NEXT_VERSION,
        1,
    )
    assert version["share_before"] < 0.2
    assert all(abs(row["z"]) < version["z"] / 3 for row in rest)


def titles(reader: LocalClient, start: datetime, end: datetime) -> list[str]:
    return [row["title"] for row in reader.run(EventsQuery(EventsArgs(start=start, end=end))).rows.to_pylist()]


def test_the_only_event_of_an_incident_is_its_version(incident: LocalClient) -> None:
    assert titles(incident, NOW - 3 * DAY, NOW - DAY) == []
    assert titles(incident, NOW - DAY, NOW) == [f"{NEXT_VERSION} first seen"]


def test_the_events_of_an_upgrade_are_its_canary_and_its_rollout(upgrade: LocalClient) -> None:
    canary, rollout = titles(upgrade, NOW - 3 * DAY, NOW)
    assert canary == f"{NEXT_VERSION} first seen"
    assert rollout.startswith(NEXT_VERSION)
    assert rollout.endswith("% → 100 %")


def test_the_planted_tenants_explain_the_slice_of_an_alert_by_as_much_as_their_requests_say(
    incident: LocalClient,
) -> None:
    windows = {"start": NOW - DAY, "end": NOW, "baseline_start": NOW - 2 * DAY, "baseline_end": NOW - DAY}
    asked = ContributorsArgs(metric="escalation_rate", where=(f"task_type:{INCIDENT_TASK}",), **windows)
    (first, *_) = incident.run(ContributorsQuery(asked)).leading
    kept = RequestsArgs(where=(f"task_type:{INCIDENT_TASK}",), start=NOW - 2 * DAY, end=NOW, limit=1000)
    rows = [row for row in incident.run(RequestsQuery(kept)).rows.to_pylist() if row["escalated"] is not None]
    late, early = ([r for r in rows if (r["started_at"] >= NOW - DAY) == side] for side in (True, False))

    def excess(hit: Callable[[dict[str, Any]], bool]) -> float:
        """What is escalated more than at the rate and mix of the day before."""
        after, before = (sum(r["escalated"] and hit(r) for r in side) for side in (late, early))
        return float(after - before * len(late) / len(early))

    assert {*first["values"]} == {*INCIDENT_TENANTS}
    share = excess(lambda row: row["tenant"] in INCIDENT_TENANTS) / excess(lambda row: True)
    assert first["share"] == pytest.approx(share)
    assert first["low"] < share < first["high"]


def test_all_values_moved_alike_in_an_upgrade(upgrade: LocalClient) -> None:
    windows = {"start": NOW - DAY, "end": NOW, "baseline_start": NOW - 2 * DAY, "baseline_end": NOW - DAY}
    found = upgrade.run(ContributorsQuery(ContributorsArgs(metric="escalation_rate", **windows)))
    assert found.change_z < -2
    assert [each["dimension"] for each in found.leading if each["dimension"] in {"tenant", "team"}] == []
