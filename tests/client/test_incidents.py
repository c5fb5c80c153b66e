"""Incidents and what control costs: timers, told minutes, files; sums over any breakdown."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.cli import run_command
from controlsurface.client import LocalClient
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.costs.incidents import (
    ControlCostArgs,
    ControlCostQuery,
    DeleteIncident,
    EndBody,
    EndIncident,
    IncidentBody,
    IncidentsArgs,
    IncidentsQuery,
    RecordIncident,
)
from controlsurface.config import Config
from controlsurface.config.control_costs import ControlConfig
from controlsurface.errors import BadRequest, Conflict, NotFound, UnknownName
from controlsurface.money.control.control_cost import SpentTime, control_costs
from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW, seed

RATES = ControlConfig(hourly_usd=90, team_hourly_usd={"search": 120})
NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
WEEK = {"start": NOW - timedelta(days=7), "end": NOW}


@pytest.fixture
def client() -> Iterator[LocalClient]:
    store = DuckStore.in_memory()
    seed(store, n=300, end=NOW)
    yield LocalClient(store, config=Config(control=RATES))
    store.close()


def record(client: LocalClient, **told: Any) -> dict[str, Any]:
    return dict(client.execute(RecordIncident(IncidentBody.model_validate({"recorded_by": "ada", **told}))))


def costs(client: LocalClient, by: str = "") -> list[dict[str, Any]]:
    return as_dicts(client.run(ControlCostQuery(ControlCostArgs.model_validate({**WEEK, "by": by}))).rows)


def test_a_timer_runs_until_it_is_stopped_and_counts_for_everybody_at_work(client: LocalClient) -> None:
    made = record(client, started_at=NOW - timedelta(hours=2), people=3, note="escalations of chat")
    asked = ControlCostQuery(ControlCostArgs.model_validate(WEEK))
    running = client.run(asked)
    assert running.facts["running"] == 1
    assert as_dicts(running.rows)[0]["engineer_minutes"] == 0
    client.execute(EndIncident(made["incident_id"], EndBody(ended_at=NOW - timedelta(hours=1, minutes=20))))
    (row,) = costs(client)
    assert (row["engineer_minutes"], row["engineer_usd"]) == (120, 180)
    with pytest.raises(Conflict, match="does not run"):
        client.execute(EndIncident(made["incident_id"]))


def test_told_minutes_are_those_of_all_and_a_team_has_its_own_rate(client: LocalClient) -> None:
    record(client, started_at=NOW - timedelta(days=1), minutes=30, people=4, team="search")
    (row,) = costs(client)
    assert (row["engineer_minutes"], row["engineer_usd"], row["rated_share"]) == (30, 60, 1)
    assert row["total_usd"] == pytest.approx(row["calls_usd"] + 60)
    assert (row["priced_share"] < 0.99, row["usd_per_1000_requests"]) == (True, None)  # of a part, no rate
    assert row["incidents_per_million"] == pytest.approx(1e6 / row["requests"])


def test_rows_of_every_dimension_add_up_to_the_whole(client: LocalClient) -> None:
    record(client, started_at=NOW - timedelta(days=1), minutes=30, slice=("lane:large", "task_type:chat"))
    record(client, started_at=NOW - timedelta(days=2), minutes=50, slice=("lane:small", "lane:large"))
    record(client, started_at=NOW - timedelta(days=3), minutes=7)
    (whole,) = costs(client)
    for by in ("lane", "task_type", "router_version", "team"):
        rows = costs(client, by)
        for name in ("incidents", "engineer_minutes", "engineer_usd", "total_usd"):
            assert sum(row[name] or 0 for row in rows) == pytest.approx(whole[name])
    lanes = {row["name"]: row for row in costs(client, "lane") if row["assigned"]}
    assert (lanes["large"]["engineer_minutes"], lanes["small"]["engineer_minutes"]) == (55, 25)
    (unassigned,) = (row for row in costs(client, "lane") if not row["assigned"])
    assert unassigned["engineer_minutes"] == 7


def test_incidents_outside_the_window_are_not_in_it_and_the_list_has_the_newest_first(client: LocalClient) -> None:
    for days in (1, 3, 20):
        record(client, started_at=NOW - timedelta(days=days), minutes=10)
    listed = as_dicts(client.run(IncidentsQuery(IncidentsArgs.model_validate(WEEK))).rows)
    assert [(NOW - row["started_at"]).days for row in listed] == [1, 3]
    assert costs(client)[0]["engineer_minutes"] == 20


def test_a_forgotten_incident_is_gone(client: LocalClient) -> None:
    made = record(client, minutes=10)
    client.execute(DeleteIncident(made["incident_id"]))
    for command in (DeleteIncident(made["incident_id"]), EndIncident(made["incident_id"])):
        with pytest.raises(NotFound, match="no incident"):
            client.execute(command)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"ended_at": NOON - timedelta(minutes=1)}, "is not within 31 days after started_at"),
        ({"ended_at": NOON + timedelta(days=40)}, "is not within 31 days after started_at"),
        ({"slice": ("lanes:large",)}, "did you mean 'lane'"),
        ({"slice": ("large",)}, "is not dimension:value"),
        ({"minutes": -1}, "minutes"),
        ({"people": 0}, "people"),
    ],
)
def test_an_impossible_incident_is_refused(told: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        IncidentBody.model_validate({"started_at": NOON, **told})


def test_an_unknown_dimension_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'lane'"):
        ControlCostArgs(by="lanes")


SPENT = st.builds(
    SpentTime,
    started_at=st.just(NOON),
    ended_at=st.one_of(st.none(), st.integers(0, 600).map(lambda minutes: NOON + timedelta(minutes=minutes))),
    minutes=st.one_of(st.none(), st.floats(0, 1000)),
    people=st.integers(1, 5),
    team=st.sampled_from((None, "search", "billing")),
    slice=st.lists(st.sampled_from(("lane:small", "lane:large", "lane:xl", "team:a")), max_size=3),
)
RATED = st.sampled_from((RATES, ControlConfig(), ControlConfig(team_hourly_usd={"search": 10})))


@given(st.lists(SPENT, max_size=12), RATED)
def test_every_minute_and_every_dollar_stands_in_exactly_one_row(spent: list[SpentTime], config: ControlConfig) -> None:
    calls: list[dict[str, Any]] = [
        {"lane": "small", "value": 3.0, "priced_share": 1.0},
        {"lane": None, "value": None, "priced_share": 0.0},
        {"lane": "large", "value": 9.0, "priced_share": 0.4},
    ]
    requests = [{"lane": "small", "value": 100.0}, {"lane": "large", "value": 100.0}]
    rows = control_costs(calls, requests, spent, config, "lane")
    told = [each.minutes for each in spent if each.minutes is not None]
    timed = [(each.ended_at, each.people) for each in spent if each.minutes is None and each.ended_at is not None]
    minutes = [*told, *((end - NOON).total_seconds() / 60 * people for end, people in timed)]
    assert sum(row["engineer_minutes"] for row in rows) == pytest.approx(sum(minutes))
    assert sum(row["incidents"] for row in rows) == pytest.approx(len(minutes))
    for row in rows:
        known = [each for each in (row["calls_usd"], row["engineer_usd"]) if each is not None]
        assert row["total_usd"] == (pytest.approx(sum(known)) if known else None)
        assert (row["rated_share"] is None) == (row["engineer_minutes"] == 0)
        whole = row["name"] == "small" and row["rated_share"] in (None, 1)
        assert row["usd_per_1000_requests"] == (pytest.approx(10 * row["total_usd"]) if whole else None)


def test_a_team_whose_hour_costs_nothing_is_not_charged_the_hour_of_all() -> None:
    config = ControlConfig(hourly_usd=90, team_hourly_usd={"volunteers": 0})
    spent = [SpentTime(NOON, minutes=60, team="volunteers"), SpentTime(NOON, minutes=60, team="search")]
    (row,) = control_costs([], [], spent, config, None)
    assert (row["engineer_usd"], row["rated_share"]) == (90, 1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    store = DuckStore.open(tmp_path / "data")
    seed(store, n=50, end=datetime.now(UTC))
    store.close()
    return tmp_path / "data"


def test_the_command_times_tells_imports_twice_and_shows_what_control_costs(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*arguments: str) -> str:
        assert run_command([*arguments, "--data", str(data)]) == 0
        return capsys.readouterr().out

    timer = said("incident", "start", "--note", "chat is slow", "--about", "lane=large").strip()
    said("incident", "stop", timer, "--minutes", "12")
    said("incident", "add", "30", "--team", "search")
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    file = tmp_path / "pager.csv"
    file.write_text(f"started_at,minutes,slice\n{yesterday},20,lane:large;task_type:chat\n{yesterday},5,\n", "utf-8")
    for _ in range(2):
        said("incident", "import", str(file))
    assert len(said("incident", "list", "--format", "csv").splitlines()) == 1 + 4
    lines = said("costs", "control", "--by", "lane", "--format", "csv").splitlines()
    rows = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    assert {row["name"]: float(row["engineer_minutes"]) for row in rows if row["assigned"].lower() == "true"}[
        "large"
    ] == 32


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("started_at,minutes\n2026-01-10,many\n", "pager.csv:2: minutes: 'many' is no number"),
        ("started_at,minutes\n2026-01-10,5\nyesterday,5\n", "pager.csv:3: "),
        ("started_at,note\n2026-01-10,x\n", "pager.csv:2: neither ended_at nor minutes"),
        ("begun,minutes\n2026-01-10,5\n", "no column 'begun' of incidents"),
        ("started_at,minutes,slice\n2026-01-10,5,lane=large\n", "is not dimension:value"),
    ],
)
def test_a_file_with_a_faulty_line_is_refused_as_a_whole_with_its_place(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (tmp_path / "pager.csv").write_text(text, "utf-8")
    assert run_command(["incident", "import", str(tmp_path / "pager.csv"), "--data", str(data)]) == BadRequest.exit_code
    assert said in capsys.readouterr().err
