"""Policies: kept version by version, told on every chart, handed to routers that ask; none overwrites another."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.audit import policy
from controlsurface.audit.policy.litellm import ProxyModels, litellm_config, policy_as_yaml, read_yaml, write_yaml
from controlsurface.audit.policy.policy_model import PolicyVersion
from controlsurface.cli import run_command
from controlsurface.client import Client, LocalClient, RemoteClient
from controlsurface.client.queries.event_list import EventsQuery
from controlsurface.config import AuthConfig, Config, TokenConfig
from controlsurface.errors import BadRequest, Conflict, NotFound, Stale, Unconditional
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving

SETTINGS: dict[str, Any] = {
    "task_types": {"chat": {"threshold": 0.7}, "code": {"tier": "large"}},
    "default": {"threshold": 0.6, "tier": "small"},
    "context_guard": 0.8,
}
FIRST = {"If-None-Match": "*"}


@pytest.fixture
def local() -> Iterator[LocalClient]:
    reader = LocalClient(DuckStore.in_memory())
    yield reader
    reader.close()


@pytest.fixture(params=["local", "remote"])
def reader(request: pytest.FixtureRequest, local: LocalClient) -> Iterator[Client]:
    if request.param == "local":
        yield local
        return
    with serving(local) as url:
        yield RemoteClient(url)


def put(reader: Client, conditions: dict[str, str], **settings: Any) -> dict[str, Any]:
    chosen = policy.Policy.model_validate(SETTINGS | settings)
    proposal = policy.Proposal(policy=chosen, who="ana", why="fewer escalations", evidence={"escalation_rate": 0.21})
    return dict(reader.execute(policy.SetPolicyCommand(proposal, conditions)))


def test_a_policy_says_who_when_why_and_on_what_evidence(reader: Client) -> None:
    kept = put(reader, FIRST)
    assert {name: kept[name] for name in ("version", "who", "why", "restores")} == {
        "version": 1,
        "who": "ana",
        "why": "fewer escalations",
        "restores": None,
    }
    assert (kept["policy"], kept["evidence"]) == (SETTINGS, {"escalation_rate": 0.21})
    assert policy.policy_document(reader.run(policy.CurrentPolicyQuery()).rows.to_pylist()[0])["etag"] == kept["etag"]


def test_a_policy_is_not_found_before_the_first_is_set(reader: Client) -> None:
    with pytest.raises(NotFound, match="no policy was set yet"):
        reader.run(policy.CurrentPolicyQuery())


def test_a_policy_change_without_a_version_or_on_an_older_version_is_refused(reader: Client) -> None:
    with pytest.raises(Unconditional, match="If-Match"):
        put(reader, {})
    first = put(reader, FIRST)
    put(reader, {"If-Match": first["etag"]}, context_guard=0.5)
    for conditions in (FIRST, {"If-Match": first["etag"]}, {"If-Match": '"2-0123456789abcdef"'}):
        with pytest.raises(Stale, match="v2 by ana is in force"):
            put(reader, conditions)


def test_a_policy_version_takes_one_of_many_simultaneous_changes(local: LocalClient) -> None:
    first = put(local, FIRST)

    def change(at: int) -> bool:
        try:
            put(local, {"If-Match": first["etag"]}, context_guard=at / 20)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(change, range(1, 17))) == 1
    assert local.state("SELECT count(*) AS n FROM policies").to_pylist() == [{"n": 2}]
    assert local.state("SELECT count(*) AS n FROM events").to_pylist() == [{"n": 2}]


def test_a_rollback_is_a_new_version_with_the_old_settings(reader: Client) -> None:
    first = put(reader, FIRST)
    put(reader, {"If-Match": first["etag"]}, context_guard=0.5)
    back = reader.execute(policy.RollbackCommand(policy.Rollback(version=1, who="bob", why="worse")))
    assert (back["version"], back["restores"], back["policy"]) == (3, 1, SETTINGS)
    versions = [
        row["version"] for row in reader.run(policy.PolicyHistoryQuery(policy.PolicyHistoryArgs())).rows.to_pylist()
    ]
    assert versions == [3, 2, 1]
    with pytest.raises(NotFound, match="no policy v9"):
        reader.execute(policy.RollbackCommand(policy.Rollback(version=9, who="bob", why="worse")))


def test_every_policy_change_is_an_event_and_in_the_log(reader: Client, local: LocalClient) -> None:
    put(reader, FIRST)
    reader.execute(policy.RollbackCommand(policy.Rollback(version=1, who="bob", why="again")))
    told = reader.run(EventsQuery(EventsArgs(start="-1h", end="-0s"))).rows.to_pylist()
    assert [(each["kind"], each["title"], each["source"]) for each in told] == [
        ("config", "policy v1", "ana"),
        ("config", "policy v2: back to v1", "bob"),
    ]
    log = local.state('SELECT who, action, subject FROM who_changed_what ORDER BY "at", action').to_pylist()
    assert {"who": "bob", "action": "policy rolled back", "subject": "policy v2"} in log


def test_a_router_that_polls_gets_only_policy_changes(local: LocalClient) -> None:
    with serving(local) as address:
        url = f"{address}/api/v1/policy"
        put(local, FIRST)
        first = requests.get(url, timeout=30)
        again = requests.get(url, headers={"If-None-Match": first.headers["etag"]}, timeout=30)
        put(local, {"If-Match": first.headers["etag"]}, context_guard=0.5)
        changed = requests.get(url, headers={"If-None-Match": first.headers["etag"]}, timeout=30)
    assert (first.status_code, first.json()["policy"]) == (200, SETTINGS)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (changed.status_code, changed.json()["version"]) == (200, 2)


def test_only_an_admin_sets_policies_and_under_her_own_name(local: LocalClient) -> None:
    olga = TokenConfig(name="olga", token="olga's token", role="operator")
    ada = TokenConfig(name="ada", token="ada's token", role="admin")
    body = {"policy": SETTINGS, "who": "somebody else", "why": "because"}
    with serving(local, Config(auth=AuthConfig(token="everything", tokens=(olga, ada)))) as address:
        url = f"{address}/api/v1/policy"
        heads = [FIRST | {"Authorization": f"Bearer {each.token}"} for each in (olga, ada)]
        answers = [requests.put(url, json=body, headers=head, timeout=30) for head in heads]
    assert [each.status_code for each in answers] == [403, 200]
    assert answers[1].json()["who"] == "ada"


@pytest.mark.parametrize(
    "settings",
    [{}, {"context_guard": 1.5}, {"task_types": {"chat": {"treshold": 0.5}}}, {"default": {"threshold": float("nan")}}],
)
def test_a_policy_that_says_nothing_or_nonsense_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        policy.Policy.model_validate(settings)


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run_command(["policy", *arguments]) == 0
    return capsys.readouterr().out


def test_the_policy_command_sets_changes_shows_rolls_back_and_exports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    DuckStore.open(tmp_path / "data").close()
    data = ("--data", str(tmp_path / "data"))
    (tmp_path / "policy.json").write_text(json.dumps(SETTINGS))
    asked(capsys, "set", str(tmp_path / "policy.json"), "--why", "a start", *data)
    asked(capsys, "set", "--threshold", "chat=0.5", "--tier", "code=small", "--why", "cheaper", "--who", "bo", *data)
    shown = json.loads(asked(capsys, "show", *data))
    assert shown["policy"]["task_types"] == {"chat": {"threshold": 0.5}, "code": {"tier": "small"}}
    assert shown["policy"]["default"] == SETTINGS["default"]
    assert json.loads(asked(capsys, "rollback", "1", "--why", "no", *data))["policy"] == SETTINGS
    assert [line.split()[0] for line in asked(capsys, "history", *data).splitlines()] == ["version", "3", "2", "1"]
    assert "base_threshold: 0.7" in asked(capsys, "export", "--format", "litellm", "--large", "gpt-5", *data)
    assert json.loads(asked(capsys, "export", "--version", "2", *data))["who"] == "bo"


def version(**settings: Any) -> PolicyVersion:
    row = {
        "version": 3,
        "at": "2026-01-09T12:00:00Z",
        "who": "ana",
        "why": "two\nlines",
        "restores": None,
        "evidence": {},
    }
    return PolicyVersion.model_validate(row | {"policy": SETTINGS | settings})


TWO = Config().lanes
PAIR = ProxyModels(TWO, {"small": "mini", "large": "gpt-5"}, "judge")


def test_litellm_gets_a_router_for_each_task_type() -> None:
    found = litellm_config(version().policy, PAIR)["model_list"]
    routers = {each["model_name"]: each["litellm_params"]["complexity_router_config"] for each in found}
    assert routers["auto-chat"]["capability_classifier_config"]["base_threshold"] == 0.7
    assert routers["auto-default"]["tiers"] == {"SIMPLE": "mini", "COMPLEX": "gpt-5"}
    assert {*routers["auto-code"]["tiers"].values()} == {"gpt-5"}
    assert {each["context_window_escalation_buffer"] for each in routers.values()} == {0.8}


def test_the_yaml_says_the_same_as_the_mapping() -> None:
    odd = version(task_types={"rag: 'é' #1": {"threshold": 0.25}})
    models = ProxyModels(TWO, {"small": "mini: 4", "large": "gpt-5"}, "judge")
    assert yaml.safe_load(policy_as_yaml(odd, models)) == json.loads(json.dumps(litellm_config(odd.policy, models)))
    assert policy_as_yaml(odd, models).startswith(
        "# Control Surface policy v3, 2026-01-09 12:00 UTC, by ana: two lines\n"
    )


# PyYAML is what LiteLLM reads with.
TEXTS = st.sampled_from(["on", "y", "1:30", "1_000", "1e3", "\x85", "\u2028"]) | st.text().filter(
    lambda text: not re.search("[\ud800-\udfff\ufeff\ufffe\uffff]", text)
)
LEAVES = TEXTS | st.booleans() | st.none() | st.integers() | st.floats(0, 1)
MAPPINGS = st.dictionaries(
    TEXTS, st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=10)
)


@given(MAPPINGS)
def test_litellm_reads_any_mapping_that_is_written_for_it(value: dict[str, Any]) -> None:
    assert yaml.safe_load(write_yaml(value)) == value


@given(MAPPINGS)
def test_read_yaml_reads_any_mapping_that_litellm_could_write(value: dict[str, Any]) -> None:
    assert read_yaml(yaml.safe_dump(value)) == value


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2", "[yes, off, 017, 1_0, 1:30, 0x1F, 1.5e+3, .inf, ~]", "<<: {a: 1}\nb: 2"]
)
def test_read_yaml_reads_a_text_as_litellm_does(text: str) -> None:
    assert read_yaml(text) == yaml.safe_load(text)


def test_a_threshold_that_is_no_probability_does_not_travel() -> None:
    with pytest.raises(BadRequest, match="chat: LiteLLM holds thresholds against a probability"):
        policy_as_yaml(version(task_types={"chat": {"threshold": 3}}), PAIR)
