"""The weekly cost export: three forms of the same rows, a manifest that is true, the same bytes each time."""

import csv
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from controlsurface.blob_store import FolderBlobs
from controlsurface.client import LocalClient, RemoteClient
from controlsurface.client.queries.metric_queries import AttributionQuery
from controlsurface.client.query_protocol import Query, R
from controlsurface.config.cost_exports import COST_FORMATS, CostFormat
from controlsurface.errors import Busy
from controlsurface.export.weekly_cost import CostExport, export_weekly_cost
from controlsurface.export.weekly_revisions import UNASSIGNED_LABEL
from controlsurface.money.cost_attribution import AttributionArgs
from tests.seed import NOW
from tests.serving import serving

LATER = NOW + timedelta(days=30)
BY = ("team", "task_type", "lane", "model")
OTHER_WEEK = AttributionArgs(week="2026-W01")


def made(
    reader: LocalClient | RemoteClient, form: CostFormat = "csv", now: datetime = LATER, week: str = "2026-W02"
) -> CostExport:
    return export_weekly_cost(reader, AttributionArgs(week=week, by=BY), form, now)


def manifest(made: CostExport) -> Any:
    return json.loads(made.manifest)


def lines(made: CostExport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(made.body.decode())))


def test_all_export_formats_hold_the_same_rows(reader: LocalClient) -> None:
    from_csv = lines(made(reader))
    from_json = json.loads(made(reader, "json").body)
    from_parquet = pq.read_table(io.BytesIO(made(reader, "parquet").body)).to_pylist()
    for name in (*BY, "cost_usd"):
        assert [row[name] or None for row in from_csv] == [row[name] for row in from_json]
    assert [row["cost_usd"] for row in from_parquet] == [
        Decimal(row["cost_usd"]) if row["cost_usd"] else None for row in from_json
    ]
    assert [int(row["input_tokens"] or 0) for row in from_csv] == [row["input_tokens"] or 0 for row in from_parquet]


@pytest.mark.parametrize("form", COST_FORMATS)
def test_a_rerun_of_a_closed_week_gives_the_same_bytes(reader: LocalClient, form: CostFormat) -> None:
    assert made(reader, form) == made(reader, form, LATER + timedelta(days=400))


@pytest.mark.parametrize("form", COST_FORMATS)
def test_a_server_gives_the_same_bytes_as_the_store(reader: LocalClient, form: CostFormat) -> None:
    with serving(reader) as url:
        remote = RemoteClient(url)
        assert made(remote, form) == made(reader, form)
        remote.close()


def test_the_manifest_says_what_is_in_the_file(reader: LocalClient) -> None:
    found = made(reader)
    about, rows = manifest(found), lines(found)
    assert about["sha256"] == hashlib.sha256(found.body).hexdigest()
    assert about["rows"] == len(rows)
    assert Decimal(about["totals"]["cost_usd"]) == sum(Decimal(row["cost_usd"]) for row in rows if row["cost_usd"])
    assert about["totals"]["attempts"] == sum(int(row["attempts"]) for row in rows)
    assert about["window"] == {
        "week": "2026-W02",
        "start": "2026-01-05T00:00:00Z",
        "end": "2026-01-12T00:00:00Z",
        "closed": True,
    }
    assert about["data"]["last_call_at"] < "2026-01-09T12:01"


def test_the_manifest_names_what_priced_the_calls(reader: LocalClient) -> None:
    sources = {each["source"]: each for each in manifest(made(reader))["price_sources"]}
    assert {*sources} == {"user", "span", "genai-prices", "(no price)"}
    assert sources["(no price)"]["cost_usd"] is None


def test_the_manifest_names_the_editions_of_the_price_book(reader: LocalClient) -> None:
    about = manifest(made(reader))
    editions = about["price_book"]["editions"]
    assert len(about["price_book"]["fingerprint"]) == 16
    assert sum(Decimal(each["cost_usd"]) for each in editions) == Decimal(about["totals"]["cost_usd"])


def test_cost_that_belongs_to_no_team_is_named(reader: LocalClient) -> None:
    found = made(reader)
    mine = [row for row in lines(found) if row["team"] == UNASSIGNED_LABEL]
    owed = manifest(found)["unassigned"]["team"]
    assert owed["attempts"] == sum(int(row["attempts"]) for row in mine)
    assert Decimal(owed["cost_usd"]) == sum(Decimal(row["cost_usd"]) for row in mine if row["cost_usd"])


def test_a_week_that_still_runs_says_so(reader: LocalClient) -> None:
    assert manifest(made(reader, now=datetime(2026, 1, 9, tzinfo=UTC)))["window"]["closed"] is False


def test_the_totals_of_a_running_week_are_those_of_its_file(reader: LocalClient) -> None:
    class Growing(LocalClient):
        def run(self, query: Query[R]) -> R:
            whole = isinstance(query, AttributionQuery) and not query.arguments.by
            moved: Any = AttributionQuery(OTHER_WEEK) if whole else query
            found: R = super().run(moved)
            return found

    found = made(Growing(reader._store), now=NOW)
    assert manifest(found)["totals"]["attempts"] == sum(int(row["attempts"]) for row in lines(found))


def test_a_week_without_calls_is_an_empty_file_with_a_header(empty: LocalClient) -> None:
    found = made(empty)
    assert found.body.decode().startswith("team,task_type,lane,model,requests,attempts,input_tokens")
    assert manifest(found)["rows"] == 0


def test_calls_that_arrive_in_between_are_not_half_exported(reader: LocalClient) -> None:
    class Moving(LocalClient):
        def run(self, query: Query[R]) -> R:
            whole = isinstance(query, AttributionQuery) and not query.arguments.by
            moved: Any = AttributionQuery(OTHER_WEEK) if whole else query
            found: R = super().run(moved)
            return found

    with pytest.raises(Busy, match="arrived while it was read"):
        made(Moving(reader._store))


def test_the_export_file_and_its_manifest_are_written_whole(reader: LocalClient, tmp_path: Path) -> None:
    found = made(reader)
    assert found.write(FolderBlobs(tmp_path / "new")) == [found.name, f"{found.name}.manifest.json"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [found.name, f"{found.name}.manifest.json"]
    assert (tmp_path / "new" / found.name).read_bytes() == found.body
