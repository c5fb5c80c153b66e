"""Rules are made, changed, overridden and removed over the API: recorded, and nobody's change is lost."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from controlsurface.alerting.rules.rule_commands import RemoveRule, RuleDraft, RuleQuery, SaveRule
from controlsurface.alerting.rules.rule_loader import RuleSet, configured_rule_paths
from controlsurface.client import LocalClient, RemoteClient
from controlsurface.config import AuthConfig, Config, TokenConfig, parse_config
from controlsurface.errors import (
    BadRequest,
    ConfigError,
    ControlSurfaceError,
    Forbidden,
    NotFound,
    Stale,
    Unconditional,
)
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving

ROUTER = """\
# Ours.
groups:
  - name: ours
    rules:
      - alert: Own  # by ann
        metric: error_rate
        above: 0.2  # since May
overrides:
  - alert: ErrorRateHigh
    for: 7m  # the deploys
"""


@pytest.fixture(scope="module")
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    yield made
    made.close()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "ours.yaml").write_text(ROUTER)
    return parse_config({"alerts": {"directories": [str(tmp_path)]}}, "c.toml")


@pytest.fixture
def client(store: DuckStore, config: Config) -> LocalClient:
    return LocalClient(store, config=config)


def asked(client: Any, name: str) -> tuple[dict[str, Any], dict[str, str]]:
    found = client.run(RuleQuery(name))
    return orjson.loads(found.rows.to_pylist()[0]["definition"]), {"If-Match": found.facts["etag"]}


def save(client: Any, name: str, rule: dict[str, Any], headers: dict[str, str] | None = None, **more: Any) -> Any:
    return client.execute(SaveRule(name, RuleDraft(rule=rule, **({"who": "ann"} | more)), headers or {}))


def in_force(config: Config) -> RuleSet:
    return configured_rule_paths(config).load()


NEW = {"metric": "error_rate", "above": 0.5, "by": ["team"], "labels": {"severity": "page"}}


def test_a_new_rule_is_in_the_custom_file_with_its_reason_and_in_the_list_of_changes(
    client: LocalClient, config: Config, tmp_path: Path, store: DuckStore
) -> None:
    save(client, "New", NEW, group="mine", interval="30s", why="# asked\nby the team")
    assert "      - alert: New\n        # 20" in (tmp_path / "custom.yaml").read_text()
    assert "ann: # asked by the team\n" in (tmp_path / "custom.yaml").read_text()
    found = in_force(config)
    assert next(each.group.interval.seconds for each in found.groups if each.group.name == "mine") == 30
    save(client, "Second", NEW, group="mine")
    save(client, "Third", NEW)
    assert {"New", "Second", "Third"} <= in_force(config).rules.keys()
    log = store.state("SELECT who, subject FROM who_changed_what WHERE subject LIKE '%New%'").to_pylist()
    assert [(row["who"], row["subject"]) for row in log] == [("ann", "other: New: made")]


def test_a_rule_of_ones_own_is_changed_where_it_stands(client: LocalClient, tmp_path: Path) -> None:
    rule, headers = asked(client, "Own")
    save(client, "Own", rule | {"above": 0.3, "for": "5m"}, headers)
    changed = ROUTER.replace("above: 0.2  #", "above: 0.3  #").replace("May\n", "May\n        for: 5m\n")
    assert (tmp_path / "ours.yaml").read_text() == changed


def test_an_override_holds_only_what_differs_and_goes_when_nothing_does(
    client: LocalClient, config: Config, tmp_path: Path, store: DuckStore
) -> None:
    rule, headers = asked(client, "ErrorRateHigh")
    told = save(client, "ErrorRateHigh", rule | {"above": 0.08}, headers, who="bob")
    assert told["overridden"] == "threshold 0.08 (shipped 0.05), for 7m (shipped 5m)"
    assert "    for: 7m  # the deploys\n    above: 0.08\n" in (tmp_path / "ours.yaml").read_text()
    event = store.state("FROM events WHERE source = 'bob'").to_pylist()[-1]
    assert orjson.loads(event["detail"]) | {"file": ""} == {
        "rule": "ErrorRateHigh", "file": "", "before": {"above": 0.05}, "after": {"above": 0.08}
    }  # fmt: skip
    rule, headers = asked(client, "ErrorRateHigh")
    save(client, "ErrorRateHigh", rule | {"above": 0.05, "for": "5m"}, headers)
    assert "ErrorRateHigh" not in in_force(config).overrides
    assert (tmp_path / "ours.yaml").read_text() == ROUTER[: ROUTER.index("overrides:")] + "overrides:\n    []\n"


def test_a_shipped_rule_may_be_turned_round_by_an_override(client: LocalClient, config: Config) -> None:
    rule, headers = asked(client, "FallbackStorm")
    del rule["above"]
    save(client, "FallbackStorm", rule | {"below": 0.01}, headers)
    rule, headers = asked(client, "FallbackStorm")
    assert (rule.get("above"), rule["below"]) == (None, 0.01)
    save(client, "FallbackStorm", rule | {"below": 0.02}, headers)
    assert asked(client, "FallbackStorm")[0]["below"] == 0.02
    client.execute(RemoveRule("FallbackStorm"))
    assert asked(client, "FallbackStorm")[0]["above"] == 0.2


def test_an_override_is_taken_back_and_then_the_rule_is_as_shipped(client: LocalClient, config: Config) -> None:
    assert client.execute(RemoveRule("ErrorRateHigh"))["removed"] == "override"
    assert "ErrorRateHigh" not in in_force(config).overrides
    with pytest.raises(BadRequest, match=r"alerts\.disable"):
        client.execute(RemoveRule("ErrorRateHigh"))


def test_the_last_rule_of_a_group_goes_with_its_group(client: LocalClient, config: Config) -> None:
    assert client.execute(RemoveRule("Own"))["removed"] == "rule"
    assert "Own" not in in_force(config).rules
    with pytest.raises(NotFound, match="no rule named 'Own'"):
        client.execute(RemoveRule("Own"))


def test_an_override_of_a_rule_that_is_gone_can_be_removed(client: LocalClient, tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text("overrides: [{alert: Gone, above: 1}]")
    assert client.execute(RemoveRule("Gone"))["removed"] == "override"
    assert (tmp_path / "ours.yaml").read_text() == "overrides: []"


# grafana/grafana#36294, elastic/kibana#74381: of two people who edit a rule the first one's change was lost.
def test_of_two_who_edit_one_rule_the_second_is_told(client: LocalClient) -> None:
    rule, headers = asked(client, "Own")
    save(client, "Own", rule | {"above": 0.3}, headers)
    with pytest.raises(Stale, match="was changed or removed since"):
        save(client, "Own", rule | {"above": 0.4}, headers)
    with pytest.raises(Unconditional, match="If-Match"):
        save(client, "Own", rule)
    with pytest.raises(Stale, match="another rule has this name"):
        save(client, "Own", rule, {"If-None-Match": "*"})
    assert asked(client, "Own")[0]["above"] == 0.3


# nsano-rururu/elastalert-kibana-plugin#49, grafana/grafana#53586: changes of different rules in one file, at once.
def test_rules_that_are_made_at_the_same_time_are_all_kept(client: LocalClient, config: Config) -> None:
    problems: list[Exception] = []

    def make(number: int) -> None:
        try:
            save(client, f"At{number}", NEW)
        except ControlSurfaceError as problem:
            problems.append(problem)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (problems, {f"At{number}" for number in range(4)} - in_force(config).rules.keys()) == ([], set())


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"metric": "eror_rate", "above": 0.1}, "rule.metric: no metric named 'eror_rate'; did you mean 'error_rate'"),
        ({"metric": "error_rate", "abvoe": 0.1}, "rule.abvoe: no such field in a threshold rule; did you mean 'above'"),
        ({"metric": "error_rate", "above": 5}, "rule.above: 'error_rate' lies between 0 and 1"),
        ({"metric": "error_rate", "above": 0.1, "labels": {"notifier": "chta"}}, "no notifier named 'chta'"),
        ({"metric": "error_rate", "above": 0.1, "alert": "Other"}, "the address says 'Bad'"),
        ({"metric": "error_rate", "above": float("nan")}, "above"),
    ],
)
def test_a_rule_that_is_wrong_is_refused_with_field_and_nearest_name(
    client: LocalClient, tmp_path: Path, rule: dict[str, Any], told: str
) -> None:
    with pytest.raises(BadRequest, match=None) as problem:
        save(client, "Bad", rule)
    assert told in str(problem.value)
    assert [path.name for path in tmp_path.iterdir()] == ["ours.yaml"]


def test_no_file_is_changed_beside_one_that_is_wrong(client: LocalClient, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("groups: [{name: a, rules: [{alert: B, metric: error_rate}]}]")
    with pytest.raises(ConfigError, match=r"wrong\.yaml:1"):
        save(client, "New", NEW)
    assert not (tmp_path / "custom.yaml").exists()


def test_rules_are_changed_over_http_by_admins_alone_and_under_their_name(store: DuckStore, config: Config) -> None:
    people = tuple(TokenConfig(name=name, token=f"{name}'s token", role=name) for name in ("operator", "admin"))
    with serving(LocalClient(store, config=config), Config(auth=AuthConfig(token="everything", tokens=people))) as url:
        operator, admin = (RemoteClient(url, f"{each.name}'s token") for each in people)
        rule, headers = asked(operator, "LatencyHigh")
        with pytest.raises(Forbidden, match="takes the role admin"):
            save(operator, "LatencyHigh", rule | {"for": "20m"}, headers)
        save(admin, "LatencyHigh", rule | {"for": "20m"}, headers)
        with pytest.raises(Stale):
            save(admin, "LatencyHigh", rule | {"for": "30m"}, headers)
        head = {"Authorization": "Bearer everything"}
        answer = requests.get(f"{url}/api/v1/rules/LatencyHigh", headers=head, timeout=30)
        assert answer.json()["overridden"] == "for 20m (shipped 15m)"
        assert answer.headers["ETag"] != headers["If-Match"]
    (event,) = store.state("FROM events WHERE title LIKE 'LatencyHigh%'").to_pylist()
    assert event["source"] == "admin"
