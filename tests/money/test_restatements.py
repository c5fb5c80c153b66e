"""A closed week that is priced anew says so, how much it changed, and forgets editions that no call has any more."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.costs.restatements import RestatementsArgs, RestatementsQuery
from controlsurface.client.queries.metric_queries import AttributionQuery
from controlsurface.client.queries.reprice_order import RepricingQuery
from controlsurface.collector.ingest_engine import IngestEngine
from controlsurface.config.cost_exports import COST_FORMATS, CostFormat
from controlsurface.export.weekly_cost import CostExport, export_weekly_cost
from controlsurface.export.weekly_revisions import describe_restatement
from controlsurface.money.cost_attribution import AttributionArgs, week_of
from tests.ingest.spans import T0_NS, call
from tests.money.test_price_editions import AT_CHEAP, AT_DEAR, CHEAP, DEAR, TOKENS, send, serving
from tests.money.test_repricing import reprice

WEEK = week_of(datetime.fromtimestamp(T0_NS / 1e9, UTC))
NOW_MS = int((datetime.now(UTC).timestamp() - T0_NS / 1e9) * 1000) - 60_000


def restated(engine: IngestEngine, week: str | None = None) -> list[dict[str, Any]]:
    return [dict(row) for row in as_dicts(engine.reader().run(RestatementsQuery(RestatementsArgs(week=week))).rows)]


def revision(engine: IngestEngine, week: str) -> int:
    return int(engine.reader().run(AttributionQuery(AttributionArgs(week=week))).facts["price_revision"])


def exported(engine: IngestEngine, form: CostFormat = "csv") -> CostExport:
    args = AttributionArgs(week=WEEK, by=("lane", "model"))
    return export_weekly_cost(engine.reader(), args, form, datetime.now(UTC))


def editions(engine: IngestEngine) -> tuple[int, int]:
    counted = "SELECT count(*) AS n, (SELECT count(DISTINCT edition) FROM prices) AS priced FROM price_editions"
    (row,) = engine.store.state(counted).to_pylist()
    return row["n"], row["priced"]


def test_a_closed_week_that_is_priced_anew_has_a_revision_and_an_event(tmp_path: Path) -> None:
    calls = [call(1, trace=n, model="slm", **TOKENS) for n in (1, 2)]
    open_week = call(1, trace=3, model="slm", at=NOW_MS, **TOKENS)
    with serving(tmp_path, CHEAP) as engine:
        send(engine, *calls, open_week)
        assert revision(engine, WEEK) == 1
    with serving(tmp_path, DEAR) as engine:
        reprice(engine, dry_run=True)
        assert restated(engine) == []
        assert editions(engine)[0] == 2
        reprice(engine)
        (row,) = restated(engine)
        assert (row["week"], row["revision"], row["calls"], row["who"]) == (WEEK, 2, 2, "us")
        assert (row["usd_before"], row["usd_after"]) == (2 * AT_CHEAP, 2 * AT_DEAR)
        assert (revision(engine, WEEK), revision(engine, "2026-W01")) == (2, 1)
        details = engine.store.state("SELECT detail FROM events WHERE kind = 'price'")["detail"].to_pylist()
        assert any(f"restates {WEEK}" in str(detail) for detail in details)
        assert editions(engine) == (1, 1)
        reprice(engine)  # changes nothing, and restates nothing
        assert len(restated(engine)) == 1
    with serving(tmp_path, CHEAP) as engine:
        reprice(engine)
        assert [row["revision"] for row in restated(engine, WEEK)] == [3, 2]
        assert restated(engine, WEEK)[0]["usd_after"] == 2 * AT_CHEAP


def test_an_export_of_a_restated_week_is_a_revision_that_names_the_order_to_price_anew(tmp_path: Path) -> None:
    with serving(tmp_path, CHEAP) as engine:
        send(engine, *(call(1, trace=n, model="slm", **TOKENS) for n in (1, 2)))
        assert json.loads(exported(engine).manifest)["restates"] is None
    with serving(tmp_path, DEAR) as engine:
        assert json.loads(exported(engine).manifest)["revision"] == 1  # a changed price file changes no stored call
        reprice(engine)
        about = json.loads(exported(engine).manifest)
        (order,) = about["restates"]["repriced"]
        assert (about["revision"], order["price_revision"], order["calls"]) == (2, 2, 2)
        assert Decimal(about["restates"]["differences"]["cost_usd"]) == 2 * (AT_DEAR - AT_CHEAP)
        assert (Decimal(order["before_usd"]), Decimal(order["after_usd"])) == (2 * AT_CHEAP, 2 * AT_DEAR)
        assert f"priced anew by {order['edition']}" in describe_restatement(WEEK, about)
        assert about["price_book"]["fingerprint"] == order["edition"]


def test_a_week_that_is_priced_by_another_book_and_back_is_exported_as_the_same_bytes(tmp_path: Path) -> None:
    with serving(tmp_path, CHEAP) as engine:
        send(engine, *(call(1, trace=n, model="slm", **TOKENS) for n in (1, 2, 3)))
        before = {form: exported(engine, form) for form in COST_FORMATS}
    for prices in (DEAR, CHEAP):
        with serving(tmp_path, prices) as engine:
            reprice(engine)
            after = engine.store.state("SELECT DISTINCT cost_usd AS usd FROM attempts")["usd"].to_pylist()
            assert after == [AT_DEAR if prices == DEAR else AT_CHEAP]
            if prices == CHEAP:
                assert {form: exported(engine, form) for form in COST_FORMATS} == before


def test_an_edition_stays_as_long_as_a_call_is_marked_with_it(tmp_path: Path) -> None:
    with serving(tmp_path, CHEAP) as engine:
        send(engine, call(1, trace=1, model="slm", **TOKENS))
    with serving(tmp_path, DEAR) as engine:
        send(engine, call(1, trace=2, model="slm", **TOKENS))
    with serving(tmp_path, DEAR) as engine:
        assert editions(engine) == (2, 2)
        with engine.store.writing() as writing:  # as the retention does
            writing.execute("DELETE FROM attempts WHERE cost_usd = 0.002")
    with serving(tmp_path, DEAR) as engine:
        assert editions(engine) == (1, 1)
        send(engine, call(1, trace=3, model="slm", **TOKENS))
        assert engine.store.state("SELECT DISTINCT cost_usd AS usd FROM attempts")["usd"].to_pylist() == [AT_DEAR]


def test_calls_whose_start_is_no_time_are_counted(tmp_path: Path) -> None:
    with serving(tmp_path, CHEAP) as engine:
        send(
            engine, call(1, trace=1, model="slm", **TOKENS), call(1, trace=2, model="slm", at=-T0_NS // 10**6, **TOKENS)
        )
    with serving(tmp_path, DEAR) as engine:
        assert reprice(engine, dry_run=True)["untimed"] == 1
        assert as_dicts(engine.reader().run(RepricingQuery()).rows)[0]["calls"] == 2
