"""Pairs: a shadow finds its request whatever came first; comparators decide as they say; people correct judges."""

from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controlsurface.audit import answer_review
from controlsurface.audit.comparators import install_comparators
from controlsurface.audit.disagreement_query import DisagreementArgs, DisagreementQuery
from controlsurface.client import LocalClient
from controlsurface.config import AuditConfig, ComparatorConfig, Config, parse_config
from controlsurface.errors import ConfigError
from controlsurface.store.duckdb import DuckStore
from tests.audit.simulated_routers import world
from tests.audit.simulated_store import fill
from tests.ingest.loading import Loaded
from tests.ingest.spans import S, apart, body, call, route

REFILL = Path(answer_review.__file__).with_name("refill.sql").read_text("utf-8")
LABEL = "controlsurface__answer__label"
SHADOW: dict[str, Any] = {"controlsurface__purpose": "shadow", "controlsurface__shadow__of": "req-1"}


def request(label: str, task: str = "chat") -> list[S]:
    routed = route(1, request_id="req-1", task_type=task, lane="small", confidence=0.8)
    return [routed, answered(2, 1, label)]


def answered(own: int, parent: int, label: str, **more: Any) -> S:
    attributes: dict[str, Any] = {LABEL: label, **more}
    return call(own, parent, **attributes)


def shadow(label: str, own: int = 3, **more: Any) -> S:
    return answered(own, 0, label, model="gpt-5", trace=2, at=50, **SHADOW, **more)


def test_a_shadow_joins_its_request_whatever_comes_first() -> None:
    parts = [[request("yes")[0]], [request("yes")[1]], [shadow("no", controlsurface__sampling__probability=0.25)]]
    orders = list(permutations(parts))
    store = Loaded()
    for place in range(3):
        spans = [span for number, order in enumerate(orders) for span in apart(number, order[place])]
        store.load([("traces", body(*spans))])
    rows = sorted(store.rows("comparisons"), key=lambda row: str(row["request_id"]))
    assert [row["request_id"] for row in rows] == [f"req-1-{number}" for number in range(len(orders))]
    for row in rows:
        assert (row["task_type"], row["answer_label"], row["shadow_label"]) == ("chat", "yes", "no")
        assert (row["lane"], row["shadow_lane"], row["sampling_probability"]) == ("small", "large", 0.25)
        assert row["disagrees"] is True


def test_a_shadow_within_the_request_needs_no_id() -> None:
    store = Loaded()
    own = answered(3, 1, "yes", model="gpt-5", at=50, controlsurface__purpose="shadow")
    store.load([("traces", body(*request("yes"), own))])
    assert [row["disagrees"] for row in store.rows("comparisons")] == [False]


def test_a_shadow_without_a_probability_has_that_of_its_sampling_decision() -> None:
    store = Loaded()
    store.load([("traces", body(*request("yes"), shadow("no")))])
    with store.store.writing() as writing:
        writing.execute("INSERT INTO sampled_requests VALUES ('req-1', now()::TIMESTAMP, 1, 'chat/8', 0.125)")
    assert [row["sampling_probability"] for row in store.rows("comparisons")] == [0.125]


@pytest.fixture(scope="module")
def macros() -> Iterator[DuckStore]:
    store = DuckStore.in_memory()
    yield store
    store.close()


def differ(store: DuckStore, rule: ComparatorConfig, one: str, other: str) -> bool | None:
    given = rule.model_dump(mode="json", include={"kind", "tolerance", "fields"}) | {"one": one, "other": other}
    rows = store.state("SELECT answers_differ($kind, $tolerance, $fields::VARCHAR[], $one, $other) AS differ", given)
    found: bool | None = rows["differ"][0].as_py()
    return found


BILL = '{"total": 10, "to": {"name": "Ada"}}'


@pytest.mark.parametrize(
    ("rule", "other", "expected"),
    [
        ({"kind": "exact"}, "Yes", True),
        ({"kind": "text"}, " YES! ", False),
        ({"kind": "text"}, "yés", False),
        ({"kind": "text"}, "yes no", True),
        ({"kind": "number"}, "yes", False),
    ],
)
def test_answers_are_compared_as_the_comparator_says(
    rule: dict[str, Any], other: str, expected: bool, macros: DuckStore
) -> None:
    assert differ(macros, ComparatorConfig(**rule), "yes", other) is expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ('{"to": {"name": "Ada"}, "total": 10.5, "x": 1}', False),
        ('{"total": 12, "to": {"name": "Ada"}}', True),
        ('{"total": 10, "to": {"name": "Eve"}}', True),
        ('{"total": 10}', True),
        ("not JSON", None),
    ],
)
def test_json_is_compared_field_by_field(other: str, expected: bool | None, macros: DuckStore) -> None:
    rule = ComparatorConfig(kind="json", fields=("$.total", "$.to.name"), tolerance=0.5)
    assert differ(macros, rule, BILL, other) is expected


def test_a_task_type_has_its_own_comparator_and_the_others_the_general_one() -> None:
    store = Loaded()
    store.load([("traces", body(*request("0.50"), shadow("0.51")))])
    exact = ComparatorConfig(kind="exact")
    for audit, expected in (
        (AuditConfig(), False),
        (AuditConfig(comparators={"chat": exact}), True),
        (AuditConfig(comparators={"code": exact}), False),
    ):
        LocalClient(store.store).write(install_comparators(audit))
        (row,) = store.rows("comparisons")
        assert row["disagrees"] is expected
        assert row["comparator"].startswith("exact, version" if expected else "number, tolerance 0.02, version")


@pytest.mark.parametrize(
    "table", [{"kind": "json"}, {"kind": "judge"}, {"kind": "numbr"}, {"kind": "json", "fields": ["a"]}]
)
def test_a_comparator_that_could_never_tell_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"audit\.comparator"):
        parse_config({"audit": {"comparator": table}}, "x.toml")


def labelled(store: DuckStore, item_ids: Sequence[str], verdicts: Sequence[str]) -> None:
    with store.writing() as writing:
        for item_id, verdict in zip(item_ids, verdicts, strict=True):
            values = {"item": item_id, "verdict": verdict}
            writing.execute(
                "INSERT INTO audit_labels (item_id, reviewer, revision, verdict, labelled_at, said_by) "
                "VALUES ($item, 'ada', 1, $verdict, now()::TIMESTAMP, 'desk')",
                values,
            )


def test_labels_of_some_pairs_correct_a_judge_of_all() -> None:
    store, random = DuckStore.in_memory(), np.random.default_rng(3)
    made = world(random, 1500)
    fill(store, random, made, "chat", np.ones(1500))
    judge = Config(audit=AuditConfig(comparator=ComparatorConfig(kind="judge", evaluation="similar", tolerance=0.5)))
    reader = LocalClient(store, config=judge)
    reader.write(install_comparators(judge.audit))
    with store.writing() as writing:  # the judge finds a difference in 1 pair of 5, whatever is there
        writing.execute(
            "INSERT INTO evaluations BY NAME SELECT attempt_id AS evaluation_id, trace_id, span_id, 'similar' AS name, "
            "CASE WHEN purpose = 'user' AND hash(attempt_id) % 5 = 0 THEN 0 ELSE 1 END AS score FROM attempts"
        )
    (alone,) = reader.run(DisagreementQuery(DisagreementArgs())).rows.to_pylist()
    assert (alone["judge_only"], alone["low"], alone["people"]) == (True, None, None)
    assert alone["value"] == pytest.approx(0.2, abs=0.03)
    labelled(store, [f"{i}shadow" for i in range(200)], (["shadow"] * 2 + ["both"] * 2) * 50)
    (with_people,) = reader.run(DisagreementQuery(DisagreementArgs())).rows.to_pylist()
    assert (with_people["judge_only"], with_people["human_n"]) == (False, 200)
    assert with_people["people_low"] < 0.5 < with_people["people_high"]
    assert with_people["comparator"].startswith("judge similar, tolerance 0.5, version ")


def test_a_shadow_is_compared_with_the_call_that_answered_and_not_with_a_late_one() -> None:
    routed = route(1, request_id="req-1", task_type="chat")
    early, late = answered(2, 1, "yes"), answered(3, 1, "no", model="gpt-large")
    late = S(3, 1, late.attributes, 50, 901, name=late.name, kind=3)
    store = Loaded()
    store.load([("traces", body(routed, early, late, shadow("no", own=4)))])
    (row,) = store.rows("comparisons")
    assert (row["lane"], row["answer_label"], row["shadow_label"], row["disagrees"]) == ("small", "yes", "no", True)


def desk_of(*batches: Sequence[S]) -> list[dict[str, Any]]:
    """The pairs that people may review, refilled after each batch."""
    store = Loaded()
    for spans in batches:
        store.load([("traces", body(*spans))])
        with store.store.writing() as writing:
            writing.execute(REFILL)
    return store.rows("audit_items")


def test_shadows_in_traces_of_their_own_are_reviewed_with_the_task_type_of_their_request() -> None:
    for batches in ([request("yes"), [shadow("no")]], [[shadow("no")], request("yes")]):
        (item,) = desk_of(*batches)
        assert (item["request_id"], item["task_type"], item["answer_label"]) == ("req-1", "chat", "yes")
        assert (item["confidence"], item["lane"], item["shadow_lane"]) == (0.8, "small", "large")


def test_shadows_within_the_trace_are_reviewed_without_naming_their_request() -> None:
    own = answered(3, 1, "no", model="gpt-5", at=50, controlsurface__purpose="shadow")
    (item,) = desk_of([*request("yes"), own])
    assert (item["request_id"], item["task_type"], item["answer_label"]) == ("req-1", "chat", "yes")
    assert (item["shadow_label"], item["shadow_lane"]) == ("no", "large")
