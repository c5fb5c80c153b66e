"""Stored spans that are read again give the rows of a store that knew the vocabularies from the beginning."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.rederivation import RederivationQuery, RederiveCommand, RederiveRequest
from controlsurface.config import Config, TaskTypesConfig
from controlsurface.ingest.load import rederive_spans
from controlsurface.ingest.load.batch import BatchLoader
from controlsurface.ingest.translate import conventions
from controlsurface.ingest.translate.conventions import Conventions
from tests.ingest.loading import CAPTURES, CONVENTIONS, Body, Loaded, NoPrices, capture
from tests.ingest.spans import body, call, route
from tests.lanes import LANED

NAMES = sorted(
    {path.name.partition(".traces")[0] for path in CAPTURES.glob("*.traces.pb") if "truncated" not in path.name}
)
KIND = TaskTypesConfig(**{"from": ("acme.kind",)})
TABLES = ("requests", "attempts", "spans")
HASHES = ("content_hash",)


def with_loader(store: Loaded, vocabularies: Conventions, config: Config = LANED) -> Loaded:
    """The same store, read by other vocabularies from here on."""
    store.loader = BatchLoader(vocabularies, config, NoPrices(config))
    with store.store.writing() as writing:
        store.loader.install(writing)
    return store


def asked(store: Loaded, **wish: Any) -> LocalClient:
    reader = LocalClient(store.store)
    reader.execute(RederiveCommand(RederiveRequest(who="ann", **wish)))
    return reader


def steps(store: Loaded) -> Iterator[int]:
    """One transaction after the other, until nothing is left."""
    more, n = True, 0
    while more:
        with store.store.writing() as writing:
            more = rederive_spans.rederive_step(store.loader, writing)
        n += more
        yield n


def state(reader: LocalClient) -> dict[str, Any]:
    return dict(reader.run(RederivationQuery()).rows.to_pylist()[0])


def rows(store: Loaded, table: str) -> list[dict[str, Any]]:
    """All that the table says, but for hashes of bytes whose order of writing is free."""
    return [{k: v for k, v in row.items() if k not in HASHES} for row in store.rows(table)]


def without(*names: str) -> Conventions:
    """All vocabularies but some."""
    left = [each for each in CONVENTIONS.vocabularies if each.name not in names]
    assert len(left) < len(CONVENTIONS.vocabularies)
    return Conventions(left, LANED.task_types.from_)


def filled(bodies: list[Body], vocabularies: Conventions = CONVENTIONS, config: Config = LANED) -> Loaded:
    store = with_loader(Loaded(config), vocabularies, config)
    store.load(bodies)
    return store


EVERYTHING = [each for name in NAMES for each in capture(name)]


@pytest.fixture(scope="module")
def truth() -> Loaded:
    """Every capture, read by every vocabulary when it came."""
    return filled(EVERYTHING)


def test_spans_read_again_by_the_same_vocabularies_do_not_change(truth: Loaded) -> None:
    store = filled(EVERYTHING)
    reader = asked(store)
    assert max(steps(store)) >= 1
    assert state(reader)["changed"] == 0
    assert state(reader)["done"] == state(reader)["spans"] == len(store.rows("spans"))
    for table in TABLES:
        assert rows(store, table) == rows(truth, table)


@pytest.mark.parametrize("name", ["gen_ai", "litellm", "vllm_semantic_router", "openinference"])
def test_rows_follow_a_vocabulary_that_came_later(name: str, truth: Loaded) -> None:
    store = filled(EVERYTHING, without(name))
    before = rows(store, "requests")
    with_loader(store, CONVENTIONS)
    reader = asked(store)
    assert list(steps(store))
    assert state(reader)["changed"] > 0
    assert before != rows(store, "requests")
    for table in TABLES:
        assert rows(store, table) == rows(truth, table)


def test_rows_follow_another_attribute_of_the_task_type_and_other_lanes() -> None:
    config = Config(
        lanes={"cheap": LANED.lanes["small"], "dear": LANED.lanes["large"]},
        task_types=TaskTypesConfig(**{"from": ("acme.kind",)}),
    )
    spans = [body(route(1, trace=t), call(2, 1, trace=t, at=t, acme__kind=f"kind-{t % 2}")) for t in range(1, 9)]
    store = filled([("traces", each) for each in spans], CONVENTIONS)
    assert {row["task_type"] for row in store.rows("requests")} == {None}
    with_loader(store, conventions.load_conventions(config), config)
    asked(store)
    assert list(steps(store))
    assert sorted(row["task_type"] for row in store.rows("requests")) == ["kind-0"] * 4 + ["kind-1"] * 4
    assert {row["lane"] for row in store.rows("requests")} == {"cheap"}


def test_attributes_that_are_read_by_now_are_no_longer_unmapped(truth: Loaded) -> None:
    store = filled(EVERYTHING, without("litellm"))
    assert any(row["key"].startswith("litellm.") for row in store.rows("attribute_keys"))
    with_loader(store, CONVENTIONS)
    asked(store)
    assert list(steps(store))
    strange = {row["key"] for row in store.rows("attribute_keys")}
    assert strange == {row["key"] for row in truth.rows("attribute_keys")}


MIX: list[Body] = [
    ("traces", body(route(1, trace=t), call(2, 1, trace=t, at=1000 * t, acme__kind="k"))) for t in range(1, 41)
]
SMALL = LANED.model_copy(update={"task_types": KIND, "writer": LANED.writer.model_copy(update={"max_rows": 7})})


def test_each_request_during_rederive_is_as_before_or_as_after_and_none_is_missing() -> None:
    store = filled(MIX)
    with_loader(store, conventions.load_conventions(SMALL), SMALL)
    asked(store)
    done = []
    for _ in steps(store):
        found = sorted(store.rows("requests"), key=lambda row: row["started_at"])
        assert len(found) == len(MIX)
        assert sum(row["input_tokens"] for row in found) == 10 * len(MIX)
        tasks = [row["task_type"] for row in found]
        done.append(tasks.count("k"))
    assert done == sorted(done)
    assert (done[-1], len(done) > 5) == (len(MIX), True)


def test_rederive_goes_on_where_it_was_after_a_crash() -> None:
    store = filled(MIX)
    with_loader(store, conventions.load_conventions(SMALL), SMALL)
    reader = asked(store)
    going = steps(store)
    next(going), next(going)
    with pytest.raises(ZeroDivisionError):
        _die_within_a_step(store)
    half = state(reader)
    assert 0 < half["done"] < half["spans"]
    assert half["finished_at"] is None
    with_loader(store, conventions.load_conventions(SMALL), SMALL)
    rest = list(steps(store))
    assert {row["task_type"] for row in store.rows("requests")} == {"k"}
    assert state(reader)["done"] == half["spans"]
    assert len(rest) < half["spans"] / 7 + 2


def test_rederive_since_a_time_reads_only_later_spans_again() -> None:
    store = filled(MIX)
    with_loader(store, conventions.load_conventions(SMALL), SMALL)
    starts = sorted(row["started_at"] for row in store.rows("spans") if row["is_call"])
    reader = asked(store, since=starts[30].isoformat())
    assert list(steps(store))
    assert state(reader)["spans"] == len(starts) - 30
    assert [row["task_type"] for row in store.rows("requests")].count("k") == len(starts) - 30


def test_spans_that_the_retention_has_frozen_stay_as_they_were_and_are_counted() -> None:
    store = filled(MIX)
    first = min(row["started_at"] for row in store.rows("requests"))
    calls = sorted(row["started_at"] for row in store.rows("spans") if row["is_call"])
    with store.store.writing() as writing:
        writing.execute("INSERT INTO retained VALUES ('frozen', $at)", {"at": calls[20]})
    with_loader(store, conventions.load_conventions(SMALL), SMALL)
    reader = asked(store)
    assert list(steps(store))
    told = state(reader)
    assert told["frozen"] == sum(row["started_at"] < calls[20] for row in store.rows("spans"))
    assert told["spans"] == len(store.rows("spans")) - told["frozen"]
    assert isinstance(first, datetime)
    assert {row["task_type"] for row in store.rows("requests") if row["started_at"] < calls[20]} == {None}


def test_a_second_rederive_request_begins_anew_from_the_earlier_time() -> None:
    store = filled(MIX)
    with_loader(store, conventions.load_conventions(SMALL), SMALL)
    reader = asked(store)
    next(steps(store))
    asked(store, since="-1m")
    assert state(reader)["since"].year == 1970
    assert state(reader)["done"] == 0
    assert list(steps(store))
    assert {row["task_type"] for row in store.rows("requests")} == {"k"}


def _die_within_a_step(store: Loaded) -> None:
    """What a process leaves behind that ends before its transaction is whole."""
    with store.store.writing() as writing:
        rederive_spans.rederive_step(store.loader, writing)
        raise ZeroDivisionError
