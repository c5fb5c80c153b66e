"""Another threshold on the page: what is known of it, what is not, and how it becomes a policy."""

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from controlsurface.audit import policy
from controlsurface.client import LocalClient
from controlsurface.client.queries.event_list import EventsQuery
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving
from tests.ui.conftest import Open


@pytest.fixture(scope="module")
def local() -> Iterator[LocalClient]:
    store = DuckStore.in_memory()
    seed(store, n=2500, days=2)
    yield LocalClient(store)
    store.close()


@pytest.fixture(scope="module")
def url(local: LocalClient) -> Iterator[str]:
    with serving(local) as address:
        yield address


def html(app: AppTest) -> str:
    return "".join(element.body for element in app.html if "<style>" not in element.body)


def moved(app: AppTest, at: float) -> AppTest:
    return app.slider[0].set_value(at).run()


def escalated(app: AppTest) -> str:
    return html(app).partition("Escalated</dt>")[2].partition("</dd>")[0].rpartition(">")[2]


def test_a_threshold_slider_moves_the_metrics(opened: Open, url: str) -> None:
    app = opened(url, "what_if.py", range="3d")
    assert escalated(moved(app, 0.0)) == "0.0 %"
    assert escalated(moved(app, 1.0)) == "100.0 %"
    assert not app.exception


def test_the_simulator_says_where_no_pair_tells_of_quality(opened: Open, url: str) -> None:
    app = opened(url, "what_if.py", range="3d")
    assert "no evidence" in html(app)
    assert "of the requests lie where no pair tells anything" in "".join(each.value for each in app.caption)


def test_the_task_type_of_the_simulator_is_in_the_address(opened: Open, url: str) -> None:
    app = opened(url, "what_if.py", range="3d", task="code")
    assert app.selectbox(key="task").value == "code"


def test_moved_thresholds_become_a_policy_with_its_evidence(opened: Open, url: str, local: LocalClient) -> None:
    app = moved(opened(url, "what_if.py", range="3d", task="code"), 0.4)
    app.text_input(key="policy_author").set_value("ana")
    app.text_input(key="policy_reason").set_value("too dear")
    (save,) = (each for each in app.button if each.label == "Save as policy")
    save.click().run()
    assert not app.exception
    kept = policy.policy_document(local.run(policy.CurrentPolicyQuery()).rows.to_pylist()[0])
    assert (kept["policy"], kept["who"], kept["why"]) == (
        {"task_types": {"code": {"threshold": 0.4}}, "default": {}},
        "ana",
        "too dear",
    )
    assert 0 < kept["evidence"]["code"]["escalation_rate"] < 1
    assert "policy v1" in local.run(EventsQuery(EventsArgs(start="-1h", end="-0s"))).rows["title"].to_pylist()
    assert [each.value for each in app.success] == ["Policy v1 is saved. It is applied when a router fetches it."]


def test_a_policy_without_a_reason_is_not_saved(opened: Open, url: str, local: LocalClient) -> None:
    before = local.run(policy.PolicyHistoryQuery(policy.PolicyHistoryArgs())).rows.num_rows
    app = moved(opened(url, "what_if.py", range="3d", task="chat"), 0.3)
    (save,) = (each for each in app.button if each.label == "Save as policy")
    save.click().run()
    assert "An author and a reason are needed" in app.warning[0].value
    assert local.run(policy.PolicyHistoryQuery(policy.PolicyHistoryArgs())).rows.num_rows == before


def test_an_older_policy_is_restored_with_author_and_reason(opened: Open, url: str, local: LocalClient) -> None:
    for at in (0.2, 0.8):
        proposal = policy.Proposal(
            policy=policy.Policy(default=policy.TaskTypePolicy(threshold=at)), who="ana", why="trial"
        )
        before = local.run(policy.PolicyHistoryQuery(policy.PolicyHistoryArgs())).rows.num_rows
        condition = {"If-Match": policy.policy_etag(newest(local))} if before else {"If-None-Match": "*"}
        local.execute(policy.SetPolicyCommand(proposal, condition))
    app = opened(url, "what_if.py", range="3d")
    app.text_input(key="rollback_author").set_value("bo")
    app.text_input(key="rollback_reason").set_value("complaints")
    (back,) = (each for each in app.button if each.label == "Roll back")
    back.click().run()
    assert not app.exception
    kept = policy.policy_document(newest(local))
    assert (kept["policy"]["default"], kept["who"], kept["why"]) == ({"threshold": 0.2}, "bo", "complaints")
    assert [each.value for each in app.success] == [
        f"Policy v{kept['version']} has the settings of v{kept['version'] - 2} again."
    ]


def newest(local: LocalClient) -> dict[str, Any]:
    return dict(local.run(policy.CurrentPolicyQuery()).rows.to_pylist()[0])
