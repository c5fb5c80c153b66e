"""The review desk: what is shown is blind and stays in its order, what is said is kept once and for ever."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from controlsurface.audit.answer_review import label_exchange, review_labels, review_queue, reviewer_agreement
from controlsurface.audit.answer_review.review_labels import left_answer, verdict_of_choice
from controlsurface.client import Client, LocalClient, RemoteClient
from controlsurface.errors import Conflict, ControlSurfaceError, NotFound, UnknownName
from controlsurface.query.arguments import FilteredRange
from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW, seed
from tests.serving import serving


@pytest.fixture(scope="module")
def local() -> Iterator[LocalClient]:
    """A desk with about fifty pairs; each test reviews under a name of its own."""
    store = DuckStore.in_memory()
    seed(store, n=6000, end=NOW)
    yield LocalClient(store)
    store.close()


@pytest.fixture(scope="module", params=["local", "remote"])
def reader(request: pytest.FixtureRequest, local: LocalClient) -> Iterator[Client]:
    if request.param == "local":
        yield local
        return
    with serving(local) as url:
        yield RemoteClient(url)


def shown(reader: Client, reviewer: str, **more: Any) -> dict[str, Any]:
    rows = reader.run(review_queue.NextItemQuery(review_queue.NextItemArgs(reviewer=reviewer, **more))).rows.to_pylist()
    return dict(rows[0]) if rows else {}


def say(reader: Client, item: str, reviewer: str, verdict: str | None, revision: int = 1, **more: Any) -> Any:
    body = {"reviewer": reviewer, "revision": revision, "verdict": verdict, "said_by": "desk"}
    return reader.execute(review_labels.SetLabelCommand(item, review_labels.Label.model_validate(body | more)))


def said(reader: Client, reviewer: str) -> list[dict[str, Any]]:
    return list(reader.run(label_exchange.LabelsQuery(label_exchange.LabelsArgs(reviewer=reviewer))).rows.to_pylist())


def test_a_card_says_nothing_of_lanes_and_models(reader: Client) -> None:
    card = shown(reader, "ana")
    assert {card["left_label"], card["right_label"]} <= {"yes", "no"}
    words = " ".join(str(value) for value in card.values())
    assert not [name for name in ("small", "large", "slm", "phi", "gpt", "claude") if name in words]


def test_a_card_stays_until_its_label_is_saved(reader: Client) -> None:
    name = f"bea {type(reader).__name__}"
    first = shown(reader, name)
    assert shown(reader, name) == first
    say(reader, first["item_id"], name, "left")
    assert shown(reader, name)["item_id"] != first["item_id"]


def test_a_label_says_who_when_and_what_was_meant(reader: Client) -> None:
    name = f"cid {type(reader).__name__}"
    item = shown(reader, name)["item_id"]
    say(reader, item, name, "right", comment="wrong total")
    (label,) = said(reader, name)
    assert label["verdict"] == verdict_of_choice("right", left_answer(item, name))
    assert label["shown_left"] == left_answer(item, name)
    assert (label["reviewer"], label["comment"], label["said_by"]) == (name, "wrong total", "desk")
    assert label["labelled_at"].year >= 2026


def test_a_label_set_twenty_times_at_once_is_stored_once(local: LocalClient) -> None:
    item = shown(local, "dan")["item_id"]
    with ThreadPoolExecutor(20) as threads:
        told = [*threads.map(lambda _: say(local, item, "dan", "both"), range(20))]
    assert {each["labelled_at"] for each in told} == {said(local, "dan")[0]["labelled_at"]}
    assert len(said(local, "dan")) == 1


def test_the_first_of_two_different_labels_with_one_revision_is_kept(reader: Client) -> None:
    name = f"eva {type(reader).__name__}"
    item = shown(reader, name)["item_id"]
    say(reader, item, name, "both")
    with pytest.raises(Conflict, match=f"revision 1 of {name} says something else: both"):
        say(reader, item, name, "neither")
    with pytest.raises(Conflict, match="revision 3 does not follow revision 1"):
        say(reader, item, name, "neither", revision=3)


def test_an_undo_keeps_the_label_history_and_brings_the_card_back(reader: Client) -> None:
    name = f"fay {type(reader).__name__}"
    item = shown(reader, name)["item_id"]
    say(reader, item, name, "left")
    facts = reader.run(review_queue.NextItemQuery(review_queue.NextItemArgs(reviewer=name))).facts
    assert (facts["last_item"], facts["last_revision"], facts["mine"]) == (item, 1, 1)
    say(reader, item, name, None, revision=2)
    assert [each["verdict"] is None for each in said(reader, name)] == [False, True]
    assert (shown(reader, name)["item_id"], shown(reader, name)["revision"]) == (item, 3)


def test_a_second_reviewer_is_shown_items_that_the_first_has_labeled(local: LocalClient) -> None:
    say(local, shown(local, "gil")["item_id"], "gil", "both")
    labelled = {
        each["item_id"]
        for each in local.run(review_queue.ReviewItemsQuery(review_queue.ReviewItemsArgs())).rows.to_pylist()
        if each["labels"]
    }
    assert shown(local, "hal", which="second")["item_id"] in labelled
    assert shown(local, "hal", which="open")["item_id"] not in labelled


def test_reviewers_meet_items_in_their_own_order_and_sides_are_even(local: LocalClient) -> None:
    items = local.run(review_queue.ReviewItemsQuery(review_queue.ReviewItemsArgs(limit=1000))).rows.to_pylist()
    sides = [left_answer(item["item_id"], f"reviewer {at}") for item in items for at in range(20)]
    assert 0.4 < sides.count("shadow") / len(sides) < 0.6
    assert len({shown(local, f"reviewer {at}")["item_id"] for at in range(20)}) > 8


def test_filters_and_windows_narrow_the_queue(local: LocalClient) -> None:
    every = local.run(review_queue.ReviewItemsQuery(review_queue.ReviewItemsArgs()))
    code = local.run(
        review_queue.ReviewItemsQuery(review_queue.ReviewItemsArgs(where=("task_type:code", "task_type:")))
    )
    wanted = [row for row in every.rows.to_pylist() if row["task_type"] in {"code", None}]
    assert code.rows.num_rows == len(wanted) == code.facts["items"]
    assert local.run(review_queue.ReviewItemsQuery(review_queue.ReviewItemsArgs(end="2020-01-01"))).facts["items"] == 0
    with pytest.raises(UnknownName, match="did you mean 'task_type'"):
        local.run(review_queue.ReviewItemsQuery(review_queue.ReviewItemsArgs(where=("tasktype:code",))))


@pytest.mark.parametrize("item", ["no/such item?&#%", "'; DROP TABLE audit_labels"])
def test_a_label_of_an_unknown_item_is_refused(reader: Client, item: str) -> None:
    with pytest.raises(NotFound, match="no audit item"):
        say(reader, item, "ana", "both")


def test_labels_survive_the_calls_they_are_about(tmp_path: Any) -> None:
    store = DuckStore.open(tmp_path)
    seed(store, n=500, end=NOW)
    reader = LocalClient(store)
    item = shown(reader, "ana")["item_id"]
    say(reader, item, "ana", "both")
    reader.write([("DELETE FROM attempts", {}), ("DELETE FROM requests", {})])
    reader.close()
    again = LocalClient(DuckStore.open(tmp_path))
    assert said(again, "ana")[0]["request_id"] == shown(again, "ana", item=item)["request_id"]
    again.close()


def test_a_labeled_pair_is_not_changed_by_late_spans() -> None:
    reader = LocalClient(DuckStore.in_memory())
    seed(reader._store, n=500, end=NOW)
    item = shown(reader, "ana")["item_id"]
    say(reader, item, "ana", "both")
    before = reader.state("FROM audit_items ORDER BY item_id")
    reader.write([("UPDATE attempts SET answer_label = 'changed'", {})])
    reader.cache.forget()
    shown(reader, "ana")
    after = reader.state("FROM audit_items ORDER BY item_id")
    assert after.num_rows == before.num_rows
    kept = {row["item_id"]: row for row in after.to_pylist()}[item]
    assert kept == {row["item_id"]: row for row in before.to_pylist()}[item]
    reader.close()


def test_a_review_error_is_the_same_locally_and_over_http(local: LocalClient) -> None:
    with serving(local) as url:
        problems = []
        for each in (local, RemoteClient(url)):
            with pytest.raises(ControlSurfaceError) as problem:
                say(each, "nothing", "ana", "both")
            problems.append((type(problem.value), str(problem.value)))
    assert problems[0] == problems[1]


def test_reviewers_are_compared_over_items_that_both_labeled(reader: Client) -> None:
    ivo, jan = f"ivo {type(reader).__name__}", f"jan {type(reader).__name__}"
    items = [
        each["item_id"]
        for each in reader.run(review_queue.ReviewItemsQuery(review_queue.ReviewItemsArgs(limit=9))).rows.to_pylist()
    ]
    for at, item in enumerate(items):
        say(reader, item, ivo, "both")
        if at:
            say(reader, item, jan, "both" if at < 7 else "shadow")
    found = {
        (r["one"], r["other"]): r
        for r in reader.run(reviewer_agreement.ReviewerAgreementQuery(FilteredRange())).rows.to_pylist()
    }
    assert (found[ivo, jan]["n"], found[ivo, jan]["raw"]) == (8, 0.75)
    assert found[ivo, jan]["low"] < 0.75 < found[ivo, jan]["high"]
    assert found[ivo, jan]["ac1"] < 0.75
