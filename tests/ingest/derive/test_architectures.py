"""Named architectures: which requests belong to which, what an edited configuration does, and what is refused."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.config import Config, parse_config
from controlsurface.config.architectures import ArchitectureConfig, overlapping_architectures
from controlsurface.doctor.checks import DoctorTarget, run_checks
from controlsurface.errors import ConfigError
from controlsurface.ingest.derive.architecture_labels import architecture_sql
from controlsurface.store.duckdb import DuckStore
from tests.ingest.loading import CONFIG, Loaded
from tests.ingest.spans import body, call, route

AGENTS = {"where": ["task_type:plan", "task_type:code"]}
HYBRID = {"where": ["router:r"]}


def configured(**architectures: Any) -> Config:
    named = {name: ArchitectureConfig.model_validate(each) for name, each in architectures.items()}
    return CONFIG.model_copy(update={"architectures": named})


def loaded_with(config: Config) -> Loaded:
    store = Loaded(config)
    for trace, kind in enumerate(("plan", "code", "chat"), 1):
        store.load([("traces", body(route(1, trace=trace, task_type=kind), call(2, 1, trace=trace)))])
    store.load([("traces", body(call(1, trace=9)))])
    return store


def labels(store: Loaded, table: str) -> list[tuple[str | None, str | None]]:
    return sorted(((row["task_type"], row["architecture"]) for row in store.rows(table)), key=str)


@pytest.mark.parametrize("table", ["requests", "attempts"])
def test_a_request_and_its_calls_have_the_first_architecture_that_they_match(table: str) -> None:
    store = loaded_with(configured(agents=AGENTS, hybrid=HYBRID))
    assert labels(store, table) == [("chat", "hybrid"), ("code", "agents"), ("plan", "agents"), (None, None)]


def test_without_architectures_rows_are_unlabelled_and_none_is_dropped() -> None:
    assert labels(loaded_with(CONFIG), "requests") == [("chat", None), ("code", None), ("plan", None), (None, None)]


def test_an_edited_configuration_labels_what_comes_and_leaves_what_is_stored() -> None:
    store = loaded_with(configured(hybrid=HYBRID))
    edited = Loaded(configured(other=HYBRID))
    edited.store = store.store
    edited.load([("traces", body(route(1, trace=20), call(2, 1, trace=20)))])
    found = sorted(row["architecture"] for row in edited.rows("requests") if row["architecture"])
    assert found == ["hybrid", "hybrid", "hybrid", "other"]


VALUES = st.lists(st.sampled_from(["a", "b", "it's", ""]), min_size=1, max_size=3)
WHERE = st.dictionaries(st.sampled_from(["service", "router", "tenant"]), VALUES, min_size=1)
ROWS = [
    dict(zip(("service", "router", "tenant"), each, strict=True))
    for each in product(("a", "b", "it's", None), repeat=3)
]


def named(wheres: list[dict[str, list[str]]]) -> dict[str, ArchitectureConfig]:
    pairs = (tuple(f"{name}:{value}" for name, values in each.items() for value in values) for each in wheres)
    return {f"x{number}": ArchitectureConfig(where=where) for number, where in enumerate(pairs)}


def matching(wheres: list[dict[str, list[str]]], row: dict[str, str | None]) -> list[str]:
    """All architectures that a row matches, in plain Python."""
    hits = [all((row[name] or "") in values for name, values in each.items()) for each in wheres]
    return [f"x{number}" for number, hit in enumerate(hits) if hit]


@pytest.fixture(scope="module")
def rows() -> DuckStore:
    store = DuckStore.in_memory()
    cells = ", ".join(str(tuple(row.values())).replace('"it\'s"', "'it''s'").replace("None", "NULL") for row in ROWS)
    with store.writing() as writing:
        writing.execute(f"CREATE TABLE incoming AS FROM (VALUES {cells}) AS t(service, router, tenant)")
    return store


@given(st.lists(WHERE, min_size=1, max_size=4))
def test_the_sql_of_architectures_labels_as_plain_python_does(
    rows: DuckStore, wheres: list[dict[str, list[str]]]
) -> None:
    sql = f"SELECT service, router, tenant, {architecture_sql(named(wheres))} AS found FROM incoming"
    for row in rows.state(sql).to_pylist():
        assert row.pop("found") == next(iter(matching(wheres, row)), None)


@given(st.lists(WHERE, min_size=1, max_size=4))
def test_overlaps_are_the_pairs_that_some_row_matches_both_of(wheres: list[dict[str, list[str]]]) -> None:
    met = {(one, other) for row in ROWS for one, other in product(matching(wheres, row), repeat=2) if one < other}
    assert {*overlapping_architectures(named(wheres))} == met


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (["servce:a"], "did you mean 'service'"),
        (["lane:small"], "only what is known before an answer does"),
        (["service"], "is not dimension:value"),
        ([], "at least 1 item"),
    ],
)
def test_an_impossible_architecture_is_refused_with_its_place(where: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as problem:
        parse_config({"architectures": {"agents": {"where": where}}}, "c.toml")
    assert "c.toml: architectures.agents.where" in str(problem.value)


def test_doctor_says_which_architecture_a_request_of_two_belongs_to(tmp_path: Path) -> None:
    target = DoctorTarget(tmp_path / "data", "127.0.0.1", configured(agents=AGENTS, hybrid=HYBRID), None)
    (found,) = (each for each in run_checks(target) if each.check == "architectures")
    assert (found.verdict, found.text) == (
        "warn",
        "a request can match 'agents' and 'hybrid': it belongs to 'agents', the first of the file",
    )
