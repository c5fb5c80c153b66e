"""A closed week that changes says so: which revision, since when, and by how much."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from controlsurface.cli import controlsurface
from controlsurface.client import LocalClient, RemoteClient
from controlsurface.errors import BadRequest, Conflict
from controlsurface.export.weekly_cost import CostExport, export_weekly_cost
from controlsurface.export.weekly_revisions import ExportedWeek, ExportsArgs, RecordExport, WeeklyExports
from controlsurface.money.cost_attribution import AttributionArgs, week_start
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving
from tests.stores import put

WEEK = "2026-W02"
OVER = datetime(2026, 1, 13, 8, tzinfo=UTC)
FIRST = {"started_at": week_start(WEEK) + timedelta(hours=1), "team": "search", "cost_usd": Decimal("1.25")}


def ask(store: DuckStore, **more: Any) -> None:
    """One more request of one call."""
    put(store, [FIRST | more])
    put(store, [FIRST | more | {"input_tokens": 100}], "attempts")


@pytest.fixture
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    ask(made)
    yield made
    made.close()


def made(store: DuckStore, *by: str, at: datetime = OVER, form: Any = "csv") -> CostExport:
    return export_weekly_cost(LocalClient(store), AttributionArgs(week=WEEK, by=by or ("team",)), form, at)


def manifest(found: CostExport) -> dict[str, Any]:
    return dict(json.loads(found.manifest))


def test_the_first_export_of_a_closed_week_is_revision_one_and_restates_nothing(store: DuckStore) -> None:
    about = manifest(made(store))
    assert (about["revision"], about["exported_at"], about["restates"]) == (1, "2026-01-13T08:00:00Z", None)


def test_an_unchanged_week_is_the_same_bytes_and_the_same_revision_in_every_format(store: DuckStore) -> None:
    first = made(store)
    assert made(store, at=OVER + timedelta(days=50)) == first
    assert manifest(made(store, form="json"))["revision"] == 1
    assert len(listed(store)) == 1


def test_a_late_call_makes_the_next_revision_which_says_by_how_much(store: DuckStore) -> None:
    """Usage that arrives after the period was closed: FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec, pull request 1434."""
    first = made(store)
    ask(store, cost_usd=Decimal("0.75"))
    second = made(store, at=OVER + timedelta(days=1))
    before, about = manifest(first), manifest(second)
    moved = about["restates"]
    assert about["revision"] == 2
    assert (moved["revision"], moved["exported_at"]) == (1, before["exported_at"])
    assert Decimal(moved["differences"].pop("cost_usd")) == Decimal("0.75")
    assert moved["differences"] == {
        name: about["totals"][name] - before["totals"][name]
        for name in ("requests", "attempts", "input_tokens", "billable_attempts", "priced_attempts")
    }
    assert made(store, at=OVER + timedelta(days=9)) == second


def test_each_revision_restates_the_one_before(store: DuckStore) -> None:
    for count in (1, 2, 3):
        about = manifest(made(store, at=OVER + timedelta(days=count)))
        assert about["revision"] == count
        assert (about["restates"] or {}).get("revision") == (count - 1 or None)
        ask(store)


def test_a_cost_that_moves_between_groups_is_a_revision_of_the_same_totals(store: DuckStore) -> None:
    """A cost that had been given to the wrong owner: the first scenario of the same examples."""
    made(store), made(store, "lane")
    with store.writing() as writing:
        writing.execute("UPDATE requests SET team = 'chat'; UPDATE attempts SET team = 'chat'")
    about = manifest(made(store))
    assert (about["revision"], about["restates"]["differences"]) == (2, {})
    assert manifest(made(store, "lane"))["revision"] == 1  # nothing of it has changed


def test_a_state_of_a_week_has_one_revision_however_it_is_broken_down(store: DuckStore) -> None:
    made(store)
    ask(store)
    assert [manifest(made(store, *by))["revision"] for by in (("lane",), ("team",), ("team", "lane"))] == [2, 2, 2]
    assert manifest(made(store, "lane"))["restates"]["differences"]["requests"] == 1


def test_a_week_that_still_runs_has_no_revision(store: DuckStore) -> None:
    assert manifest(made(store, at=OVER - timedelta(days=3)))["revision"] is None
    assert listed(store) == []
    body = ExportedWeek(week=WEEK, by=("team",), rows_sha256="0" * 64, at=OVER - timedelta(days=3))
    with pytest.raises(BadRequest, match="2026-W02 is not over"):
        LocalClient(store).execute(RecordExport(body))


def test_an_export_that_differs_from_the_store_is_not_recorded(store: DuckStore) -> None:
    with pytest.raises(Conflict, match="arrived while it was read"):
        LocalClient(store).execute(RecordExport(ExportedWeek(week=WEEK, by=("team",), rows_sha256="0" * 64, at=OVER)))
    assert listed(store) == []


def test_a_week_of_which_rows_are_gone_is_no_revision_of_itself(store: DuckStore) -> None:
    made(store)
    with store.writing() as writing:
        writing.execute("INSERT INTO retained VALUES ('requests', TIMESTAMP '2026-01-07'); DELETE FROM attempts")
    with pytest.raises(BadRequest, match="requests before 2026-01-07 00:00 are gone"):
        made(store)


def test_a_server_keeps_the_same_revisions_and_lists_them(store: DuckStore) -> None:
    with serving(LocalClient(store)) as url:
        remote, args = RemoteClient(url), AttributionArgs(week=WEEK, by=("team",))
        first = export_weekly_cost(remote, args, "csv", OVER)
        ask(store)
        second = export_weekly_cost(remote, args, "csv", OVER + timedelta(days=1))
        question = WeeklyExports(ExportsArgs(week=WEEK))
        assert remote.run(question).rows.to_pylist() == listed(store)
        remote.close()
    assert [manifest(each)["revision"] for each in (first, second)] == [1, 2]
    assert made(store) == second


def listed(store: DuckStore) -> list[dict[str, Any]]:
    return LocalClient(store).run(WeeklyExports(ExportsArgs(week=WEEK))).rows.to_pylist()


def test_the_export_command_says_what_was_restated(tmp_path: Path) -> None:
    command = ["export", "cost", "--week", WEEK, "--by", "team", "--data", str(tmp_path)]
    for count in (1, 2):
        opened = DuckStore.open(tmp_path)
        ask(opened)
        opened.close()
        answer = CliRunner().invoke(controlsurface, command)
        assert answer.exit_code == 0
        said = f"controlsurface: {WEEK} is revision 2: since revision 1 of"
        assert (said in answer.stderr and "cost_usd +1.25" in answer.stderr) == (count == 2)
