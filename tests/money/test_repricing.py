"""Stored calls take other prices when somebody says so, at once with their requests, and none otherwise."""

import time
from pathlib import Path
from typing import Any

import pytest

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.reprice_order import (
    RepriceCommand,
    RepricedModelsQuery,
    RepriceRequest,
    RepricingQuery,
)
from controlsurface.collector.ingest_engine import IngestEngine
from controlsurface.errors import Conflict
from controlsurface.ingest.load import store_writer
from controlsurface.ingest.wire.otlp_request import RequestBody
from tests.ingest.loading import CAPTURES, capture
from tests.ingest.spans import call, route
from tests.money.test_price_editions import AT_CHEAP, AT_DEAR, CHEAP, DEAR, TOKENS, answered, costs, send, serving

EVERYTHING = "[[price]]\nmodel = '*'\ninput = 3\ncached_input = 0.7\noutput = 11\nreasoning = 13\nrequest = 0.001\n"
STORED = ("attempts", "requests")
NAMES = sorted(
    {path.name.partition(".")[0] for path in CAPTURES.iterdir() if "truncated" not in path.name} - {"README"}
)
BODIES = [RequestBody(*each) for name in NAMES for each in capture(name)]


@pytest.fixture(autouse=True)
def orders_are_looked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_writer, "POLL_INTERVAL_S", 0.01)


def reprice(engine: IngestEngine, *, dry_run: bool = False, **more: Any) -> dict[str, Any]:
    """Have it done, and how it ended."""
    engine.reader().execute(RepriceCommand(RepriceRequest(dry_run=dry_run, who="us", **more)))
    return ended(engine)


def ended(engine: IngestEngine) -> dict[str, Any]:
    """How the order ended that is under way."""
    for _ in range(400):
        state = as_dicts(engine.reader().run(RepricingQuery()).rows)[0]
        if state["finished_at"]:
            return dict(state)
        time.sleep(0.05)
    pytest.fail("calls are not repriced")


def rows(engine: IngestEngine) -> dict[str, list[str]]:
    """All calls and all requests, whole."""
    return {name: sorted(map(repr, engine.store.state(f"FROM {name}").to_pylist())) for name in STORED}


def models(engine: IngestEngine) -> list[dict[str, Any]]:
    return [dict(row) for row in as_dicts(engine.reader().run(RepricedModelsQuery()).rows)]


def test_repricing_changes_calls_and_requests_and_a_dry_run_says_so_before(tmp_path: Path) -> None:
    with serving(tmp_path, CHEAP) as engine:
        send(engine, route(1, trace=1), answered(1))
        send(engine, route(1, trace=2), answered(2))
    with serving(tmp_path, DEAR) as engine:
        before = rows(engine)
        tried = reprice(engine, dry_run=True)
        foreseen = models(engine)
        assert rows(engine) == before
        done = reprice(engine)
        assert costs(engine) == [AT_DEAR, AT_DEAR]
        assert models(engine) == foreseen
        assert (tried["calls"], tried["changed"], done["changed"], done["problem"]) == (2, 2, 2, None)
    (row,) = foreseen
    assert (row["usd_before"], row["usd_after"]) == (2 * AT_CHEAP, 2 * AT_DEAR)


def test_a_price_added_for_a_model_without_one_prices_stored_calls_on_request(tmp_path: Path) -> None:
    with serving(tmp_path, "") as engine:
        send(engine, route(1, trace=1), answered(1))
        assert costs(engine) == [None]
    with serving(tmp_path, CHEAP) as engine:
        reprice(engine)
        (row,) = models(engine)
        assert (costs(engine), row["priced_before"], row["priced_after"]) == ([AT_CHEAP], 0, 1)
        titles = engine.store.state("SELECT title FROM events WHERE kind = 'price'")["title"].to_pylist()
        assert any("1 calls repriced" in str(title) for title in titles)


def test_repricing_under_another_book_and_back_gives_the_same_rows(tmp_path: Path) -> None:
    found: list[dict[str, list[str]]] = []
    for prices in ("", EVERYTHING, ""):
        with serving(tmp_path, prices) as engine:
            if not found:
                for each in BODIES:
                    engine.intake.take(each)
                assert engine.writer.drain()
            reprice(engine)
            found.append(rows(engine))
    assert found[0] == found[2] != found[1]
    assert len(found[0]["attempts"]) > 50


def test_repriced_rows_are_those_that_a_new_store_derives_from_the_same_spans(tmp_path: Path) -> None:
    found: list[dict[str, list[str]]] = []
    for name, first in (("one", ""), ("two", EVERYTHING)):
        folder = tmp_path / name
        folder.mkdir()
        with serving(folder, first) as engine:
            for each in BODIES:
                engine.intake.take(each)
            assert engine.writer.drain()
        with serving(folder, EVERYTHING) as engine:
            reprice(engine)
            found.append(rows(engine))
    assert found[0] == found[1]


def test_requests_before_the_given_time_keep_their_prices(tmp_path: Path) -> None:
    with serving(tmp_path, CHEAP) as engine:
        send(engine, route(1, trace=1), answered(1))
        send(engine, call(2, trace=2, model="slm", at=3_600_000, **TOKENS))
        since = engine.store.state("SELECT max(started_at) AS at FROM requests")["at"][0].as_py()
    with serving(tmp_path, DEAR) as engine:
        reprice(engine, since=since)
        assert costs(engine) == [AT_CHEAP, AT_DEAR]


def test_a_second_order_waits_for_the_first(tmp_path: Path) -> None:
    with serving(tmp_path, CHEAP) as engine:
        send(engine, answered(1))
        with engine.store.writing() as writing:
            writing.execute(
                "INSERT INTO repricing SELECT now(), 'x', now(), now(), TRUE, 'e', 1, 0, 0, 0, NULL, NULL, 0"
            )
        with pytest.raises(Conflict, match="being priced already"):
            engine.reader().execute(RepriceCommand(RepriceRequest(who="us")))


def test_calls_in_other_traces_than_their_request_are_repriced_with_it(tmp_path: Path) -> None:
    shadow = call(2, trace=2, model="slm", controlsurface__shadow__of=f"{1:032x}-{1:016x}", **TOKENS)
    with serving(tmp_path, CHEAP) as engine:
        send(engine, route(1, trace=1), answered(1), shadow)
    with serving(tmp_path, DEAR) as engine:
        reprice(engine)
        (row,) = engine.store.state("SELECT cost_usd, overhead_usd, shadow_small_usd FROM requests").to_pylist()
        assert tuple(row.values()) == (AT_DEAR, AT_DEAR, AT_DEAR)
        assert engine.store.state("SELECT sum(cost_usd) AS usd FROM attempts")["usd"].to_pylist() == [2 * AT_DEAR]


def test_costs_of_a_store_without_editions_are_kept_and_repriced_on_request(tmp_path: Path) -> None:
    with serving(tmp_path, CHEAP) as engine:
        send(engine, route(1, trace=1), answered(1), answered(2, controlsurface__cost_usd=0.5))
        with engine.store.writing() as writing:  # as the release before left it
            writing.execute("UPDATE attempts SET price_edition = NULL, request_span = NULL, span_cost_usd = NULL")
            writing.execute("DELETE FROM price_editions")
            writing.execute("UPDATE prices SET edition = NULL")
    with serving(tmp_path, CHEAP) as engine:
        send(engine, route(1, trace=2))
        assert costs(engine) == [AT_CHEAP, AT_CHEAP]
    with serving(tmp_path, DEAR) as engine:
        reprice(engine)
        assert costs(engine) == [AT_DEAR, AT_DEAR]


def test_an_order_that_a_stop_cut_off_is_carried_out_by_the_next_start(tmp_path: Path) -> None:
    with serving(tmp_path, CHEAP) as engine:
        send(engine, answered(1), call(2, trace=2, model="slm", at=3_600_000, **TOKENS))
    with serving(tmp_path, DEAR) as engine:
        engine.writer.stop()  # nothing is carried out any more
        engine.reader().execute(RepriceCommand(RepriceRequest(dry_run=False, who="us")))
        assert costs(engine) == [AT_CHEAP, AT_CHEAP]
    with serving(tmp_path, DEAR) as engine:
        assert (ended(engine)["changed"], costs(engine)) == (2, [AT_DEAR, AT_DEAR])
