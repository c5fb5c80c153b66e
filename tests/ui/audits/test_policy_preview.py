"""A policy before it is saved: its thresholds in the address, a week of it worked out by hand, its texts."""

from collections.abc import Iterator
from datetime import timedelta

import orjson
import polars as pl
import pytest

from controlsurface.audit.policy import Policy, TaskTypePolicy
from controlsurface.audit.policy.litellm import read_yaml
from controlsurface.client import LocalClient
from controlsurface.store.duckdb import DuckStore
from controlsurface.ui.audits.policy_preview import policy_diff, policy_json, weekly_changes
from tests.seed import seed
from tests.serving import serving
from tests.ui.conftest import Open


def sweep(n: int) -> pl.DataFrame:
    """Figures of one task type at two thresholds."""
    rows = [
        {"task_type": "chat", "threshold": at, "escalation_rate": rate, "n": n, "cost_usd": cost}
        | {"cost_usd_low": cost - 0.1, "cost_usd_high": cost + 0.1}
        | {"quality": None, "quality_low": None, "quality_high": None}
        for at, rate, cost in ((0.5, 0.1, 1.0), (0.7, 0.3, 2.0))
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def test_a_weeks_change_is_that_of_the_window_made_a_week_long() -> None:
    facts = {"chat": {"threshold_now": 0.5}}
    (row,) = weekly_changes(sweep(100), facts, {"chat": 0.7}, timedelta(days=3.5)).to_dicts()
    assert (row["requests"], row["escalated_now"], row["escalated"]) == pytest.approx((200, 20, 60))
    assert (row["cost_now"], row["cost"], row["cost_low"], row["cost_high"]) == pytest.approx((200, 400, 380, 420))
    assert row["quality"] is None


def test_a_week_of_few_requests_is_unknown() -> None:
    facts = {"chat": {"threshold_now": 0.5}}
    (row,) = weekly_changes(sweep(29), facts, {"chat": 0.7}, timedelta(days=7)).to_dicts()
    assert row["requests"] is row["cost"] is None


def test_the_diff_of_a_policy_names_only_what_changes() -> None:
    before = Policy(task_types={"a": TaskTypePolicy(threshold=0.5), "b": TaskTypePolicy(threshold=0.6)})
    after = Policy(task_types={"a": TaskTypePolicy(threshold=0.7), "b": TaskTypePolicy(threshold=0.6)})
    changed = [line for line in policy_diff(before, after).split("\n")[2:] if line[0] in "+-"]
    assert changed == ['-      "threshold": 0.5', '+      "threshold": 0.7']
    assert policy_diff(after, after) == ""
    assert orjson.loads(policy_json(after)) == after.plain()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    store = DuckStore.in_memory()
    seed(store, n=1500, days=2)
    with serving(LocalClient(store)) as address:
        yield address
    store.close()


def test_a_link_with_thresholds_shows_them_and_what_they_would_do(opened: Open, url: str) -> None:
    app = opened(url, "what_if.py", range="3d", task="code", threshold=["code:0.42", "nonsense", "chat:9"])
    assert not app.exception
    assert app.slider[0].value == 0.42
    texts = [each.value for each in app.code]
    assert orjson.loads(texts[1]) == {"task_types": {"code": {"threshold": 0.42}}, "default": {}}
    weekly = next(each.value for each in app.dataframe if "escalated_now" in each.value.columns)
    assert weekly["threshold"].to_list() == [0.42]


def test_a_moved_threshold_is_in_the_address(opened: Open, url: str) -> None:
    app = opened(url, "what_if.py", range="3d", task="code")
    app.slider[0].set_value(0.33).run()
    assert app.query_params["threshold"] in ("code:0.33", ["code:0.33"])


def test_the_litellm_text_is_yaml_or_says_why_not(opened: Open, url: str) -> None:
    app = opened(url, "what_if.py", range="3d", task="code", threshold="code:0.42")
    refused = [each.value for each in app.caption if "LiteLLM cannot express" in each.value]
    assert refused or "auto-code" in str(read_yaml(app.code[2].value))
