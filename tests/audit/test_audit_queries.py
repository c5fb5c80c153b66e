"""What may be asked of audits: over a router whose truth is known, in the process, over HTTP and as a command."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controlsurface.audit.calibration_query import CalibrationArgs, CalibrationQuery
from controlsurface.audit.disagreement_query import DisagreementArgs, DisagreementQuery
from controlsurface.audit.sampling_plan import CreatePlanCommand, SamplingPlanArgs, SamplingPlanQuery
from controlsurface.audit.what_if_query import WhatIfArgs, WhatIfQuery
from controlsurface.cli import run_command
from controlsurface.client import Client, LocalClient, RemoteClient
from controlsurface.errors import BadRequest, NotFound, UnknownName
from controlsurface.store.duckdb import DuckStore
from tests.audit.simulated_routers import truth, world
from tests.audit.simulated_store import fill
from tests.serving import serving

E = 0.2


def made(store: DuckStore) -> DuckStore:
    """4,000 requests shadowed everywhere, 3,000 only near the threshold, 1,000 nowhere."""
    random = np.random.default_rng(11)
    everywhere, near, nowhere = (world(random, n) for n in (4000, 3000, 1000))
    fill(store, random, everywhere, "chat", np.full(4000, E))
    fill(store, random, near, "code", np.where(abs(near.confidence - 0.6) < 0.1, 0.5, 0.0), start=4000)
    fill(store, random, nowhere, "mail", np.zeros(1000), start=7000)
    return store


@pytest.fixture(scope="module")
def local() -> Iterator[LocalClient]:
    reader = LocalClient(made(DuckStore.in_memory()))
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def remote(local: LocalClient) -> Iterator[RemoteClient]:
    with serving(local) as url:
        reader = RemoteClient(url)
        yield reader
        reader.close()


def what_if(reader: Client, task_type: str | None, *thresholds: float) -> list[dict[str, Any]]:
    given = WhatIfArgs(task_type=task_type, thresholds=",".join(map(str, thresholds)))
    return [dict(row) for row in reader.run(WhatIfQuery(given)).rows.to_pylist()]


def test_quality_and_cost_at_other_thresholds_are_near_the_truth(local: LocalClient) -> None:
    for row in what_if(local, "chat", 0.3, 0.6, 0.8):
        assert row["quality_low"] - 0.02 < truth(row["threshold"]) < row["quality_high"] + 0.02
        assert row["quality_high"] - row["quality_low"] < 0.12
        assert row["cost_usd_low"] < truth(row["threshold"], "cost_usd") * 1.05
        assert row["cost_usd_high"] > truth(row["threshold"], "cost_usd") * 0.95
        assert row["evidence"] == "pairs"


def test_quality_has_bounds_and_no_estimate_where_nothing_was_shadowed(local: LocalClient) -> None:
    far, close = what_if(local, "code", 0.2, 0.65)
    assert [far[name] for name in ("evidence", "quality", "quality_low", "cost_usd")] == ["none", None, None, None]
    assert far["quality_lowest"] < truth(0.2) < far["quality_highest"]
    assert far["escalation_rate"] > 0
    assert close["evidence"] == "pairs"
    never = what_if(local, "mail", 0.5)
    assert never[0]["evidence"] == "none"


def test_the_what_if_query_answers_all_and_each_task_type_at_once(local: LocalClient) -> None:
    answer = local.run(WhatIfQuery(WhatIfArgs(thresholds="0:1:0.25")))
    assert [each["task_type"] for each in answer.facts["slices"]] == [None, "chat", "code", "mail"]
    assert answer.rows.num_rows == 4 * 5
    whole = answer.facts["slices"][0]
    assert (whole["n"], whole["threshold_now"], whole["quality_is"]) == (8000, 0.6, "grades")
    assert 0.5 < answer.facts["slices"][1]["routellm"]["apgr"] < 0.9


def test_both_clients_give_the_same_audits(local: LocalClient, remote: RemoteClient) -> None:
    for question in (
        WhatIfQuery(WhatIfArgs(thresholds="0:1:0.5")),
        DisagreementQuery(DisagreementArgs(by=("task_type", "band"))),
        CalibrationQuery(CalibrationArgs(task_type="chat")),
    ):
        here, there = local.run(question), remote.run(question)
        assert there.rows == here.rows
        assert there.facts == json.loads(json.dumps(here.facts))


def test_disagreement_is_weighted_and_graded(local: LocalClient) -> None:
    (row,) = local.run(DisagreementQuery(DisagreementArgs(where=("task_type:chat",)))).rows.to_pylist()
    assert row["task_type"] == "chat"
    assert row["n"] == pytest.approx(4000 * E, rel=0.1)
    assert row["low"] < row["value"] < row["high"]
    assert (row["graded"], row["large"]) == (row["n"], "better")
    assert row["comparator"] == "number, tolerance 0.02"


def test_a_confidence_that_is_the_chance_of_being_right_is_calibrated(local: LocalClient) -> None:
    answer = local.run(CalibrationQuery(CalibrationArgs(task_type="chat")))
    assert answer.facts["refused"] is None
    assert abs(answer.facts["errors"]["ece_corrected"]) < 0.03
    assert all(row["low"] - 0.05 < row["confidence"] < row["high"] + 0.05 for row in answer.rows.to_pylist())


@pytest.mark.parametrize("text", ["0:1:0", "1:0:0.1", "a", "0:1:0.0000001", "nan"])
def test_thresholds_that_make_no_sense_are_refused(text: str, local: LocalClient) -> None:
    with pytest.raises(BadRequest):
        local.run(WhatIfQuery(WhatIfArgs(thresholds=text)))


def test_an_unknown_task_type_or_dimension_is_named(local: LocalClient, remote: RemoteClient) -> None:
    for reader in (local, remote):
        with pytest.raises(NotFound, match="no requests of task type 'poems'"):
            reader.run(WhatIfQuery(WhatIfArgs(task_type="poems")))
        with pytest.raises(UnknownName, match="did you mean 'band'"):
            reader.run(DisagreementQuery(DisagreementArgs(by=("bands",))))


def test_an_empty_store_has_no_disagreement(empty: LocalClient) -> None:
    answer = empty.run(DisagreementQuery(DisagreementArgs()))
    assert (answer.rows.num_rows, answer.facts) == (0, {"large_worse": [], "large_perhaps_worse": [], "slices": 0})
    calibration = empty.run(CalibrationQuery(CalibrationArgs()))
    assert (calibration.rows.num_rows, calibration.facts["n"]) == (0, 0)


def test_a_sampling_plan_is_made_over_http_and_found_again(remote: RemoteClient) -> None:
    with pytest.raises(NotFound, match="audit plan"):
        remote.run(SamplingPlanQuery())
    first, second = (remote.execute(CreatePlanCommand(SamplingPlanArgs(rate=rate))) for rate in (0.1, 0.05))
    assert (first["version"], second["version"]) == (1, 2)
    expected = sum(each["n"] * each["probability"] for each in second["strata"])
    assert expected == pytest.approx(0.05 * 8000)
    assert min(each["probability"] for each in second["strata"]) >= 0.1 * 0.05
    found = remote.run(SamplingPlanQuery())
    assert {**found.facts, "strata": found.rows.to_pylist()} == second


def test_the_audit_commands_print_the_results_of_queries(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_store = DuckStore.open(tmp_path)
    made(with_store).close()

    def said(*arguments: str) -> Any:
        assert run_command([*arguments, "--data", str(tmp_path)]) == 0
        return json.loads(capsys.readouterr().out)

    rows = said("whatif", "--task-type", "chat", "--thresholds", "0:1:0.05", "--format", "json")["rows"]
    assert [row["threshold"] for row in rows] == pytest.approx(np.arange(21) / 20)
    assert said("audit", "estimate", "--json")["rows"][0]["comparator"] == "number, tolerance 0.02, version bae0af"
    assert said("audit", "plan", "--rate", "0.1", "--json")["version"] == 1
    assert said("audit", "sample", "r1", "--json")["request_id"] == "r1"


def test_quality_without_grades_is_agreement_with_the_large_lane() -> None:
    store, random = DuckStore.in_memory(), np.random.default_rng(5)
    made = world(random, 2000)
    fill(store, random, made, "chat", np.full(2000, 0.5))
    with store.writing() as writing:  # labels that grade nothing
        writing.execute("UPDATE attempts SET answer_label = CASE answer_label WHEN 'correct' THEN 'yes' ELSE 'no' END")
    reader = LocalClient(store)
    low, high = what_if(reader, "chat", 0.0, 1.1)
    same = float((made.small == made.large).mean())
    assert low["quality"] == pytest.approx(same, abs=0.04)
    assert high["quality"] == 1
    answer = reader.run(WhatIfQuery(WhatIfArgs(task_type="chat")))
    assert answer.facts["slices"][0]["quality_is"] == "agreement with the large lane"
    basis = reader.run(CalibrationQuery(CalibrationArgs())).facts["basis"]
    assert basis == "agreement with the large lane"


def test_a_window_without_an_end_reads_the_pairs_after_its_start(local: LocalClient) -> None:
    since = DisagreementArgs(by=(), start="2026-01-01T00:33:20Z")
    before = DisagreementArgs(by=(), end="2026-01-01T00:33:20Z")
    parts = [local.run(DisagreementQuery(each)).rows["n"][0].as_py() for each in (since, before)]
    assert sum(parts) == local.run(DisagreementQuery(DisagreementArgs(by=()))).rows["n"][0].as_py()
    assert min(parts) > 300


def test_the_what_if_query_reads_only_the_requests_of_its_window(local: LocalClient) -> None:
    window = {"start": "2026-01-01T00:10:00Z", "end": "2026-01-01T00:50:00Z"}
    answer = local.run(WhatIfQuery(WhatIfArgs(task_type="chat", thresholds="0.6", **window)))
    (row,) = answer.rows.to_pylist()
    assert (row["n"], answer.facts["slices"][0]["quality_is"]) == (2400, "grades")
    assert row["quality_low"] - 0.03 < truth(0.6) < row["quality_high"] + 0.03
