"""Labels of one stratum never speak for another, and each figure says how much of the traffic speaks by which."""

from collections.abc import Sequence

import numpy as np
import pytest

from controlsurface.audit.calibration_query import CalibrationArgs, CalibrationQuery
from controlsurface.audit.disagreement_query import DisagreementArgs, DisagreementQuery
from controlsurface.audit.what_if_query import WhatIfArgs, WhatIfQuery
from controlsurface.client import LocalClient
from controlsurface.store.duckdb import DuckStore
from tests.audit.simulated_routers import NOW, World
from tests.audit.simulated_store import fill
from tests.audit.test_answer_pairs import labelled

N = 1500
E = 0.5
TASKS = ("mail", "chat", "code")
AGREE, MIXED = "agreement with the large lane", "grades, and agreement with the large lane where nothing is graded"


PAIRS = """SELECT a.attempt_id AS item, r.confidence
FROM attempts AS a JOIN requests AS r ON r.request_id = a.shadow_of
WHERE a.purpose = 'shadow' AND r.task_type = 'mail' ORDER BY hash(a.attempt_id)"""


def world(random: np.random.Generator, agreement: float) -> World:
    """Lanes that agree so often, whatever people think of them."""
    usd, large = np.ones(N), random.random(N) < 0.9
    small = np.where(random.random(N) < agreement, large, ~large)
    return World(random.random(N), small.astype(np.float64), large.astype(np.float64), usd, 2 * usd)


def made() -> DuckStore:
    """Three task types of equal volume that agree in 95, 80 and 60 of 100; their labels grade nothing."""
    store, random = DuckStore.in_memory(), np.random.default_rng(5)
    for at, (task, agreement) in enumerate(zip(TASKS, (0.95, 0.8, 0.6), strict=True)):
        fill(store, random, world(random, agreement), task, np.full(N, E), start=at * N)
    with store.writing() as writing:
        writing.execute("UPDATE attempts SET answer_label = CASE answer_label WHEN 'correct' THEN 'yes' ELSE 'no' END")
    return store


def mail(store: DuckStore) -> list[tuple[str, float]]:
    """The pairs of mail, in an order that tells nothing, and how sure the router was of each."""
    return [(str(row["item"]), float(row["confidence"])) for row in store.state(PAIRS).to_pylist()]


def say(store: DuckStore, items: Sequence[str], verdict: str) -> None:
    labelled(store, items, [verdict] * len(items))


@pytest.fixture
def labels_of_mail() -> LocalClient:
    """100 labels, all of mail, which say that neither answer is ever right."""
    store = made()
    say(store, [item for item, _ in mail(store)[:100]], "neither")
    return LocalClient(store)


def qualities(reader: LocalClient, *thresholds: float) -> dict[str | None, list[float]]:
    text = ",".join(map(str, thresholds))
    rows = reader.run(WhatIfQuery(WhatIfArgs(thresholds=text))).rows.to_pylist()
    return {name: [row["quality"] for row in rows if row["task_type"] == name] for name in (None, *TASKS)}


def test_labels_of_one_task_type_leave_the_quality_of_the_others_unchanged(labels_of_mail: LocalClient) -> None:
    bare = LocalClient(made())
    before, after = qualities(bare, 0.0, 1.1), qualities(labels_of_mail, 0.0, 1.1)
    assert (before["chat"], before["code"]) == (after["chat"], after["code"])
    assert after["mail"] == pytest.approx([0, 0], abs=1e-9)
    assert before["mail"][0] == pytest.approx(0.95, abs=0.03)


def test_quality_of_all_traffic_weighs_task_types_by_volume(labels_of_mail: LocalClient) -> None:
    found = qualities(labels_of_mail, 0.0, NOW, 1.1)
    for whole, *parts in zip(*(found[name] for name in (None, *TASKS)), strict=True):
        assert whole == pytest.approx(float(np.mean(parts)), abs=0.02)


def test_the_what_if_and_calibration_queries_say_what_they_rest_on(labels_of_mail: LocalClient) -> None:
    whole, *parts = labels_of_mail.run(WhatIfQuery(WhatIfArgs(thresholds="0.5"))).facts["slices"]
    assert (whole["graded"], whole["quality_is"]) == (100, MIXED)
    assert whole["graded_share"] == pytest.approx(1 / 3, abs=0.01)
    assert whole["agreement_share"] == pytest.approx(2 / 3, abs=0.01)
    assert whole["by_agreement"] == sum(each["by_agreement"] for each in parts) > 1000
    assert [each["quality_is"] for each in parts if each["task_type"] != "mail"] == [AGREE, AGREE]
    facts = labels_of_mail.run(CalibrationQuery(CalibrationArgs())).facts
    assert (facts["graded"], facts["basis"]) == (100, MIXED)
    assert facts["n"] > 1000


def test_an_estimate_of_all_pairs_keeps_the_agreement_of_tasks_without_labels(labels_of_mail: LocalClient) -> None:
    (row,) = labels_of_mail.run(DisagreementQuery(DisagreementArgs(by=()))).rows.to_pylist()
    assert (row["human_n"], row["graded"]) == (100, 100)
    assert (row["people_share"], row["graded_share"]) == pytest.approx((1 / 3, 1 / 3), abs=0.02)
    truth = (0 + 0.2 + 0.4) / 3  # people see no difference in mail; the comparator sees one in 20 and 40 of 100
    assert row["people_low"] < truth < row["people_high"]
    assert row["people"] == pytest.approx(truth, abs=0.03)
    by_large = (0 + (1 + 0.8) / 2 + (1 + 0.6) / 2) / 3  # production and shadow are equally often the large lane's here
    assert (row["production_grade"] + row["shadow_grade"]) / 2 == pytest.approx(by_large, abs=0.03)
    assert row["large"] is None  # a third of the traffic gives no verdict on all of it


def quality_of_mail(store: DuckStore) -> dict[str, float]:
    (row,) = LocalClient(store).run(WhatIfQuery(WhatIfArgs(task_type="mail", thresholds="0"))).rows.to_pylist()
    return row


def test_labels_of_sure_requests_do_not_speak_for_unsure_ones() -> None:
    store = made()
    sure = [item for item, confidence in mail(store) if confidence >= 0.9]
    assert len(sure) > 30
    say(store, sure, "neither")
    assert quality_of_mail(store)["quality"] == pytest.approx(0.9 * 0.95, abs=0.03)


def test_a_stratum_that_is_labeled_more_often_counts_no_more() -> None:
    store = made()
    pairs = mail(store)
    say(store, [item for item, confidence in pairs if confidence >= 0.5], "both")
    say(store, [item for item, confidence in pairs if confidence < 0.5][:40], "neither")
    truth = float(np.mean([confidence >= 0.5 for _, confidence in pairs]))
    row = quality_of_mail(store)
    assert row["quality"] == pytest.approx(truth, abs=1e-9)
    assert row["quality_low"] < truth < row["quality_high"]
