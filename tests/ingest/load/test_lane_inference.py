"""A store whose configuration names no lanes assumes them, moves them together, and stops where somebody names them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from controlsurface.client.queries.lane_queries import AssignLane, AssumedLanesQuery, LanesQuery, assumed_lanes_text
from controlsurface.collector.ingest_engine import IngestEngine, running_engine
from controlsurface.config import Config, WriterConfig, load_config
from controlsurface.ingest.derive import derive_requests
from controlsurface.ingest.load import batch, rederive_spans
from controlsurface.ingest.wire.otlp_request import RequestBody
from controlsurface.lanes.lane_assignment import LaneAssignment
from tests.ingest.spans import S, body, call, route
from tests.lanes import LANED

CONFIG = Config.model_validate({"costs": {"prices": "no such file"}})
FLASH, MINI, OPUS = "gemini-2.5-flash", "gpt-5-mini", "claude-opus-4"
BY_PRICE = {FLASH: "small", MINI: "small", OPUS: "large"}


@contextmanager
def started(folder: Path, config: Config = CONFIG) -> Iterator[IngestEngine]:
    with running_engine(folder / "data", config, folder / "ours.toml") as engine:
        yield engine


def send(engine: IngestEngine, *spans: S) -> None:
    engine.intake.take(RequestBody("traces", body(*spans)))
    assert engine.writer.drain()


def settle(engine: IngestEngine) -> None:
    """Wait until all is stored, and stored calls have followed their lanes."""
    assert engine.writer.drain()
    for _ in range(200):
        if not engine.store.state("SELECT 1 FROM relaning").num_rows:
            return
        engine.writer._stop.wait(0.05)
    pytest.fail("stored calls do not follow")


def calls(*models: str) -> list[S]:
    """A call of each model, in a trace of its own."""
    return [call(1, model=model, at=i, trace=i) for i, model in enumerate(models, 1)]


def lanes(engine: IngestEngine) -> dict[str, str]:
    rows = engine.store.state("SELECT DISTINCT model, lane FROM attempts").to_pylist()
    assert len({row["model"] for row in rows}) == len(rows), "one model lies in two lanes"
    return {row["model"]: row["lane"] for row in rows}


def one(engine: IngestEngine, columns: str, table: str = "requests") -> dict[str, Any]:
    (row,) = engine.store.state(f"SELECT {columns} FROM {table}").to_pylist()
    return dict(row)


def test_a_cheap_model_is_small_whatever_its_name_and_a_dear_one_is_an_escalation(tmp_path: Path) -> None:
    with started(tmp_path) as engine:
        send(engine, *calls(FLASH, OPUS, MINI))
        assert lanes(engine) == BY_PRICE
        up = engine.store.state("SELECT answered_by FROM requests WHERE escalated")["answered_by"].to_pylist()
        assert up == [OPUS]
        assert assumed_lanes_text(engine.reader().run(AssumedLanesQuery()).rows.to_pylist()) == (
            f"lanes are assumed (by list price): small = {FLASH}, {MINI}; large = {OPUS}; assign them"
        )
        rows = {row["name"]: row["models"] for row in engine.reader().run(LanesQuery()).rows.to_pylist()}
        assert rows == {"small": [FLASH, MINI], "large": [OPUS]}


def test_the_lane_of_one_model_alone_is_unknown_and_that_is_said(tmp_path: Path) -> None:
    with started(tmp_path) as engine:
        send(engine, *calls("gpt-5"))
        assert lanes(engine) == {"gpt-5": "unknown"}
        assert one(engine, "escalated") == {"escalated": None}
        told = assumed_lanes_text(engine.reader().run(AssumedLanesQuery()).rows.to_pylist())
        assert told == "no lane can be assumed for gpt-5: list prices show no clear gap; assign them"
        assert engine.store.state("SELECT * FROM events").num_rows == 0


@pytest.mark.parametrize("order", [(FLASH, MINI, OPUS), (OPUS, MINI, FLASH), (MINI, OPUS, FLASH)])
def test_inferred_lanes_end_the_same_whatever_model_comes_first_and_each_move_is_an_event(
    tmp_path: Path, order: Sequence[str]
) -> None:
    with started(tmp_path) as engine:
        for i, model in enumerate(order, 1):
            send(engine, call(1, model=model, at=i, trace=i))
        assert lanes(engine) == BY_PRICE
        titles = engine.store.state('SELECT title FROM events ORDER BY "at"')["title"].to_pylist()
        assert titles[-1] == f"lanes assumed: now small = {FLASH}, {MINI}; large = {OPUS}"


def test_lanes_inferred_from_a_batch_of_calls_are_those_of_single_calls(tmp_path: Path) -> None:
    found = []
    for folder, batches in (
        ("one", [calls(FLASH, OPUS, MINI)]),
        ("three", [[each] for each in calls(FLASH, OPUS, MINI)]),
    ):
        with started(tmp_path / folder) as engine:
            for some in batches:
                send(engine, *some)
            settle(engine)
            found.append([engine.store.state(f"SELECT * FROM {t} ORDER BY trace_id") for t in ("requests", "attempts")])
    assert found[0][0].num_rows == 3
    assert found[0] == found[1]


def test_a_lane_reassignment_longer_than_its_budget_is_done_after_the_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controlsurface.ingest.load.store_writer.REASSIGN_BUDGET_S", -1)
    with started(tmp_path) as engine:
        send(engine, *calls(FLASH, MINI))
        send(engine, call(1, model=OPUS, trace=9))
        settle(engine)
        assert lanes(engine) == BY_PRICE


@pytest.mark.parametrize(("max_rows", "most"), [(1000, 2), (4, 4)])
def test_calls_of_models_that_move_together_are_derived_anew_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, max_rows: int, most: int
) -> None:
    """Once when they come and once when they move; where a transaction holds fewer, each of them in one of its own."""
    derived: list[bool] = []

    def counted(*arguments: Any, **more: Any) -> None:
        derived.append(True)
        derive_requests(*arguments, **more)

    monkeypatch.setattr(batch, "derive_requests", counted)
    monkeypatch.setattr(rederive_spans, "derive_requests", counted)
    with started(tmp_path, CONFIG.model_copy(update={"writer": WriterConfig(max_rows=max_rows)})) as engine:
        send(engine, *calls(FLASH, OPUS, MINI, FLASH, OPUS, MINI, FLASH, OPUS))
        settle(engine)
        assert lanes(engine) == BY_PRICE
        assert engine.store.state("SELECT 1 FROM relaning").num_rows == 0
    assert 2 <= len(derived) <= most


def test_a_call_is_priced_once_though_it_is_derived_again(tmp_path: Path) -> None:
    with started(tmp_path) as engine:
        send(engine, *calls(MINI, OPUS))
        assert engine.store.state("SELECT count(*) AS n FROM attempts")["n"].to_pylist() == [2]
        prices = engine.store.state("SELECT * FROM prices").to_pylist()
        assert len(prices) == len({tuple(map(str, row.values())) for row in prices}) > 0


def test_lanes_that_the_router_states_win_over_prices(tmp_path: Path) -> None:
    with started(tmp_path) as engine:
        send(engine, route(1, lane="slm"), call(2, 1, OPUS), call(3, 0, MINI, trace=2, controlsurface__lane="large"))
        assert lanes(engine) == {OPUS: "small", MINI: "large"}
        assert engine.reader().run(AssumedLanesQuery()).rows.num_rows == 0


def test_a_fallback_to_a_model_that_the_router_did_not_name_is_seen(tmp_path: Path) -> None:
    with started(tmp_path) as engine:
        send(engine, *calls(MINI, OPUS))
        failed, second = call(2, 1, MINI, error=True, trace=9), call(3, 1, OPUS, at=20, trace=9)
        send(engine, route(1, lane="small", trace=9), failed, second)
        found = engine.store.state("SELECT lane, escalation_kind FROM requests WHERE steps = 2").to_pylist()
        assert found == [{"lane": "large", "escalation_kind": "fallback"}]


def test_a_classifier_alone_needs_no_lane(tmp_path: Path) -> None:
    with started(tmp_path) as engine:
        send(
            engine,
            route(1, lane="small"),
            call(2, 1, "gpt-5-nano", controlsurface__purpose="classifier"),
            call(3, 1, MINI),
        )
        assert engine.reader().run(AssumedLanesQuery()).rows.num_rows == 0


def test_an_embedding_moves_no_lane(tmp_path: Path) -> None:
    with started(tmp_path) as engine:
        embedding = call(1, model="text-embedding-3-small", trace=3, gen_ai__operation__name="embeddings")
        send(engine, *calls("gpt-5", "claude-sonnet-4-5"), embedding)
        assert {*lanes(engine).values()} == {"unknown"}


def test_a_lane_assignment_writes_all_lanes_down_and_ends_the_inference(tmp_path: Path) -> None:
    with started(tmp_path) as engine:
        send(engine, *calls(FLASH, OPUS, MINI))
        engine.reader().execute(AssignLane(LaneAssignment(model=MINI, lane="large")))
        settle(engine)
        assert lanes(engine) == BY_PRICE | {MINI: "large"}
        send(engine, call(1, model="gpt-5", trace=8))
        assert lanes(engine)["gpt-5"] == "unknown"
        assert engine.reader().run(AssumedLanesQuery()).rows.num_rows == 0
    written = load_config(tmp_path / "ours.toml")
    assert (written.lanes["small"].models, written.lanes["large"].models) == ((FLASH,), (OPUS, MINI))
    assert written.lanes["large"].escalation


def test_lanes_that_are_written_before_a_start_hold_for_what_is_stored(tmp_path: Path) -> None:
    with started(tmp_path) as engine:
        send(engine, *calls(FLASH, OPUS))
        assert lanes(engine)[FLASH] == "small"
    with started(tmp_path, LANED) as engine:  # where a name decides
        settle(engine)
        assert lanes(engine) == {FLASH: "large", OPUS: "large"}


def test_a_store_that_had_lanes_until_now_is_not_left_mixed(tmp_path: Path) -> None:
    with started(tmp_path, LANED) as engine:
        send(engine, *calls(FLASH, OPUS))
        assert lanes(engine)[FLASH] == "large"
    with started(tmp_path) as engine:
        settle(engine)
        assert lanes(engine) == {FLASH: "small", OPUS: "large"}


def test_a_price_of_the_user_counts_before_the_list_price(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('[[price]]\nmodel = "own-model"\ninput = 30\noutput = 60\n')
    config = CONFIG.model_copy(update={"costs": CONFIG.costs.model_copy(update={"prices": str(prices)})})
    with started(tmp_path, config) as engine:
        send(engine, *calls(MINI, "own-model"))
        assert lanes(engine) == {MINI: "small", "own-model": "large"}
