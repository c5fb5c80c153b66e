"""Whatever the form, an export's sums are those of the calls, of the API and of the Overview: random weeks."""

import csv
import io
import json
import random
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlsurface.client import LocalClient, RemoteClient
from controlsurface.client.queries.metric_queries import AttributionQuery, MetricQuery
from controlsurface.config.cost_exports import COST_FORMATS, EXPORT_DIMENSIONS, CostFormat
from controlsurface.export.weekly_cost import CostExport, export_weekly_cost
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.money.cost_attribution import AttributionArgs, week_end, week_of, week_start
from controlsurface.store.duckdb import DuckStore
from tests.export.workbook import read_workbook
from tests.serving import serving
from tests.stores import put

WEEKS = [week_of(week_start("2026-W02") + timedelta(weeks=number)) for number in range(4)]
LATER = week_end(WEEKS[-1]) + timedelta(days=1)
SIGNS = ("=1+1", "+cmd", "-2", "@SUM(A1)", "search", "ads", None)
MONEY = Decimal("0.000000000001")


def random_call(dice: random.Random, week: str) -> dict[str, Any]:
    """A call as a list price, a span, or nobody priced it; parts lie within their whole."""
    given, cached, said = dice.randrange(1, 5_000), 0, dice.randrange(2_000)
    cached = dice.choice([0, dice.randrange(given)])
    cost = dice.choice([None, Decimal(0), dice.randrange(10**11) * MONEY])
    parts = cost is not None and dice.random() < 0.6
    cached_usd = cost * dice.randrange(5) // 10 // MONEY * MONEY if parts and cost is not None else None
    output_usd = (cost - (cached_usd or 0)) // 2 // MONEY * MONEY if parts and cost is not None else None
    usage = {"input_tokens": given, "cached_tokens": cached, "output_tokens": said} if dice.random() < 0.9 else {}
    return {
        **dict.fromkeys(("input_tokens", "cached_tokens", "output_tokens"), None),
        **usage,
        "started_at": week_start(week) + timedelta(seconds=dice.randrange(7 * 86_400)),
        "cost_usd": cost,
        "cost_source": None if cost is None else "genai-prices" if parts else "span",
        "cached_usd": cached_usd,
        "output_usd": output_usd,
        "billable": cost is not None or dice.random() < 0.8,
        "sample_weight": dice.choice([1.0, 1.0, 10.0]),
        "provider": dice.choice(["openai", "anthropic", None]),
        "model": (model := dice.choice(["gpt-4o-mini", "claude-sonnet-4-5", "house-7b"])),
        "model_raw": model,
        **{name: dice.choice(SIGNS) for name in ("tenant", "team", "job")},
    }


class Calls(list[dict[str, Any]]):
    """Random calls, which hypothesis need not spell out."""

    def __repr__(self) -> str:
        return f"{len(self)} calls"


@pytest.fixture(scope="module")
def calls() -> Calls:
    dice = random.Random(7)
    return Calls(random_call(dice, week) for week in WEEKS for _ in range(dice.randrange(1, 60)))


@pytest.fixture(scope="module")
def reader(calls: Calls) -> Iterator[LocalClient]:
    store = DuckStore.in_memory()
    put(store, calls, "attempts")
    put(store, [{"started_at": call["started_at"], "cost_usd": call["cost_usd"]} for call in calls])
    yield LocalClient(store)
    store.close()


@pytest.fixture(scope="module")
def remote(reader: LocalClient) -> Iterator[RemoteClient]:
    with serving(reader) as url:
        client = RemoteClient(url)
        yield client
        client.close()


@cache
def made(reader: LocalClient, week: str, form: CostFormat) -> CostExport:
    return export_weekly_cost(reader, AttributionArgs(week=week, by=EXPORT_DIMENSIONS), form, LATER)


def truth(calls: Calls, week: str) -> tuple[Decimal, Decimal]:
    """Cost and calls of a week, summed by hand."""
    mine = [call for call in calls if week_start(week) <= call["started_at"] < week_end(week)]
    weights = [Decimal(str(call["sample_weight"])) for call in mine]
    costs = [call["cost_usd"] or Decimal(0) for call in mine]
    return sum((cost * weight for cost, weight in zip(costs, weights, strict=True)), Decimal(0)), sum(
        weights, Decimal(0)
    )


def sums_of(form: CostFormat, body: bytes) -> tuple[Decimal, Decimal | None]:
    """Cost and calls as another reader finds them in a file."""
    if form == "parquet":
        rows = pl.read_parquet(io.BytesIO(body))
        return Decimal(rows["cost_usd"].sum() or 0), Decimal(rows["attempts"].sum())
    if form == "xlsx":
        found = {line[0]: line[2] for line in read_workbook(body)["Summary"] if len(line) > 2}
        return Decimal(found["cost_usd"].replace("unknown", "0")), Decimal(found["attempts"])
    if form == "json":
        lines = json.loads(body)
        return sum((Decimal(row["cost_usd"] or 0) for row in lines), Decimal(0)), Decimal(
            sum(row["attempts"] for row in lines)
        )
    lines = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    name = "EffectiveCost" if form == "focus" else "cost_usd"
    cost = sum((Decimal(row[name] or 0) for row in lines), Decimal(0))
    return cost, None if form == "focus" else sum((Decimal(row["attempts"]) for row in lines), Decimal(0))


@settings(max_examples=16)
@given(st.sampled_from(WEEKS), st.sampled_from(COST_FORMATS))
def test_the_sums_of_any_export_are_those_of_the_calls(
    reader: LocalClient, calls: Calls, week: str, form: CostFormat
) -> None:
    cost, attempts = truth(calls, week)
    found = sums_of(form, made(reader, week, form).body)
    assert found == (cost, None if form == "focus" else attempts)


@settings(max_examples=4)
@given(st.sampled_from(WEEKS))
def test_the_sums_of_an_export_are_those_of_the_api_and_of_the_overview(
    reader: LocalClient, remote: RemoteClient, week: str
) -> None:
    totals = json.loads(made(reader, week, "csv").manifest)["totals"]
    (api,) = remote.run(AttributionQuery(AttributionArgs(week=week))).rows.to_pylist()
    assert (Decimal(totals["cost_usd"] or 0), totals["attempts"]) == (api["cost_usd"] or 0, api["attempts"])
    window = {"start": week_start(week), "end": week_end(week)}
    for name, metric in (("cost_usd", "cost"), ("attempts", "attempts"), ("requests", "requests")):
        (tile,) = remote.run(MetricQuery(MetricArgs(metric=metric, **window))).rows.to_pylist()
        assert float(tile["value"] or 0) == pytest.approx(float(totals[name] or 0), rel=1e-9)


@pytest.mark.parametrize("week", WEEKS[:1])
def test_duckdb_and_polars_read_csv_and_parquet_with_the_same_sums(
    reader: LocalClient, calls: Calls, week: str, tmp_path: Any
) -> None:
    cost, _ = truth(calls, week)
    for form in ("csv", "parquet"):
        path = tmp_path / f"cost.{form}"
        path.write_bytes(made(reader, week, form).body)
        read, texts = ("read_csv", ", all_varchar = true") if form == "csv" else ("read_parquet", "")
        engine = duckdb.connect()
        engine.execute(f"SELECT sum(CAST(cost_usd AS DECIMAL(38, 18))) FROM {read}('{path}'{texts})")
        (by_duckdb,) = engine.fetchall()[0]
        rows = pl.read_csv(path, infer_schema=False) if form == "csv" else pl.read_parquet(path)
        by_polars = sum((Decimal(value) for value in rows["cost_usd"] if value not in {None, ""}), Decimal(0))
        assert (by_duckdb or 0, by_polars) == (cost, cost)


def test_duckdb_and_polars_read_a_spreadsheet_with_the_same_sums(reader: LocalClient, calls: Calls) -> None:
    """Numbers of a spreadsheet have 15 digits, the sums beside them as texts have all."""
    week = WEEKS[1]
    cost, attempts = truth(calls, week)
    sheets = pl.read_excel(io.BytesIO(made(reader, week, "xlsx").body), sheet_id=0, infer_schema_length=None)
    rows = sheets["Rows"]
    engine = duckdb.connect()
    engine.register("rows_of_the_sheet", rows.to_arrow())
    by_duckdb = engine.execute("SELECT sum(cost_usd), sum(attempts) FROM rows_of_the_sheet").fetchall()[0]
    by_polars = (rows["cost_usd"].sum(), rows["attempts"].sum())
    assert [*by_duckdb] == pytest.approx([float(cost), float(attempts)], rel=1e-14)
    assert by_polars == pytest.approx((float(cost), float(attempts)), rel=1e-14)
    assert {"=1+1", "+cmd", "@SUM(A1)"} & {*rows["team"]}


def test_calls_without_a_price_are_counted_in_the_manifest_and_cost_nothing_in_no_file(
    reader: LocalClient, calls: Calls
) -> None:
    week = WEEKS[0]
    mine = [call for call in calls if week_of(call["started_at"]) == week]
    unknown = sum(call["sample_weight"] for call in mine if call["cost_usd"] is None and call["billable"])
    for form in COST_FORMATS:
        about = json.loads(made(reader, week, form).manifest)
        assert about["unpriced"]["attempts_without_cost"] == unknown > 0
    lines = list(csv.DictReader(io.StringIO(made(reader, week, "csv").body.decode(), newline="")))
    assert all(
        row["cost_usd"] == "" for row in lines if row["priced_attempts"] == "0" and row["billable_attempts"] != "0"
    )


def test_a_spreadsheet_has_texts_that_begin_like_formulas_as_texts(reader: LocalClient) -> None:
    body = made(reader, WEEKS[0], "xlsx").body
    teams = {line[1] for line in read_workbook(body)["Rows"][1:]}
    assert {"=1+1", "+cmd", "@SUM(A1)"} <= teams
    assert not read_workbook(body, formulas=True)


def test_a_spreadsheet_has_every_row_of_the_csv(reader: LocalClient) -> None:
    rows = read_workbook(made(reader, WEEKS[1], "xlsx").body)["Rows"]
    lines = list(csv.DictReader(io.StringIO(made(reader, WEEKS[1], "csv").body.decode(), newline="")))
    assert len(rows) - 1 == len(lines)
    place = rows[0].index("cost_usd")
    mine = sum(float(row[place] or 0) for row in rows[1:] if len(row) > place)
    assert mine == pytest.approx(sum(float(line["cost_usd"] or 0) for line in lines), rel=1e-12)


@pytest.mark.parametrize("form", COST_FORMATS)
def test_a_day_can_stand_in_the_place_of_a_week(reader: LocalClient, calls: Calls, form: CostFormat) -> None:
    day = week_start(WEEKS[2]) + timedelta(days=2)
    found = sums_of(form, made(reader, f"{day:%Y-%m-%d}", form).body)[0]
    costs = (call for call in calls if day <= call["started_at"] < day + timedelta(days=1) and call["cost_usd"])
    assert found == sum((call["cost_usd"] * Decimal(str(call["sample_weight"])) for call in costs), Decimal(0))
