"""Policies over any number of lanes: checked against the configuration, into LiteLLM's configuration and back out."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.audit.policy import Policy
from controlsurface.audit.policy.litellm import ProxyModels, litellm_config
from controlsurface.audit.policy.litellm_import import policy_from_yaml
from controlsurface.audit.policy.policy_model import check_policy
from controlsurface.cli import run_command
from controlsurface.config import LaneConfig
from controlsurface.errors import BadRequest
from controlsurface.store.duckdb import DuckStore

THREE = {
    "small": LaneConfig(aliases=("slm",)),
    "mid": LaneConfig(),
    "large": LaneConfig(models=("gpt-5*",), escalation=True),
}
TOML = """
[lanes.small]
models = ["mini*"]
[lanes.mid]
models = ["gpt-5-mini*"]
[lanes.large]
models = ["gpt-5*"]
escalation = true
"""


def exported(policy: Policy, lanes: Mapping[str, LaneConfig] = THREE) -> dict[str, Any]:
    """The configuration of each router by its name, as YAML reads it back."""
    text = yaml.safe_dump(json.loads(json.dumps(litellm_config(policy, ProxyModels(lanes)))))
    return {
        each["model_name"]: each["litellm_params"]["complexity_router_config"]
        for each in yaml.safe_load(text)["model_list"]
    }


def test_a_tier_of_three_lanes_stands_on_every_rung() -> None:
    found = exported(Policy.model_validate({"task_types": {"summ": {"tier": "mid"}}}))
    assert set(found["auto-summ"]["tiers"].values()) == {"mid"}


def test_the_next_escalation_lane_answers_below_a_threshold_unless_the_policy_says_which() -> None:
    said = {"chat": {"tier": "small", "threshold": 0.7}, "summ": {"threshold": 0.5, "escalate_to": "mid"}}
    found = exported(Policy.model_validate({"task_types": said}))
    assert found["auto-chat"]["tiers"] == {"SIMPLE": "small", "COMPLEX": "large"}
    assert found["auto-summ"]["tiers"] == {"SIMPLE": "small", "COMPLEX": "mid"}


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (
            {"task_types": {"z": {"tier": "nolane"}}},
            "task_types.z.tier: no lane named 'nolane'; lanes: small, mid, large",
        ),
        ({"default": {"tier": "larg"}}, "default.tier: no lane named 'larg'; did you mean 'large'"),
        ({"default": {"tier": "SLM"}}, "did you mean 'small'"),
        ({"fallbacks": {"small": ["midd"]}}, "fallbacks.small: no lane named 'midd'; did you mean 'mid'"),
        ({"fallbacks": {"small": ["small"]}}, "'small' cannot stand in for itself"),
        ({"default": {"tier": "mid", "escalate_to": "small"}}, "'small' is no dearer than its tier 'mid'"),
    ],
)
def test_a_lane_that_is_none_or_no_dearer_is_refused_with_its_place(policy: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        check_policy(Policy.model_validate(policy), THREE)


NAMES = st.sampled_from(["one", "two", "three", "four", "five"])


@st.composite
def ladders(draw: st.DrawFn) -> tuple[dict[str, LaneConfig], Policy]:
    """Two to five lanes, and a policy over them."""
    names = draw(st.lists(NAMES, min_size=2, max_size=5, unique=True))
    lanes = {name: LaneConfig(escalation=draw(st.booleans())) for name in names}

    def chosen() -> dict[str, Any]:
        at = draw(st.integers(0, len(names) - 1))
        threshold = draw(st.none() | st.integers(0, 100).map(lambda x: x / 100))
        up = draw(st.none() | st.sampled_from(names[at + 1 :])) if at + 1 < len(names) else None
        return {"tier": names[at], "threshold": threshold, "escalate_to": up}

    ways = draw(st.dictionaries(st.sampled_from(names), st.lists(st.sampled_from(names), max_size=3, unique=True)))
    fallbacks = {lane: kept for lane, way in ways.items() if (kept := [each for each in way if each != lane])}
    tasks = {name: chosen() for name in draw(st.sets(st.sampled_from(["chat", "code", "summ"])))}
    return lanes, Policy.model_validate({"task_types": tasks, "default": chosen(), "fallbacks": fallbacks})


def truth(policy: Policy, lanes: Mapping[str, LaneConfig], task: str, p_solve: float) -> str:
    """The lane that answers by the policy's own words: the tier, or who is dearer where the forecast is below."""
    said = policy.task_types.get(task, policy.default)
    order = list(lanes)
    dearer = order[order.index(str(said.tier)) + 1 :]
    if said.threshold is None or p_solve >= said.threshold or not dearer:
        return str(said.tier)
    return said.escalate_to or [*(name for name in dearer if lanes[name].escalation), *dearer][0]


def answered(router: Mapping[str, Any], p_solve: float) -> str:
    """The model that a capability router of LiteLLM picks, by its README: efficient at the threshold or more."""
    judged = router.get("capability_classifier_config")
    if judged is None:
        (only,) = set(router["tiers"].values())
        return str(only)
    rung = "efficient_tier" if p_solve >= judged["base_threshold"] else "capable_tier"
    return str(router["tiers"][judged[rung]])


@given(ladders(), st.integers(0, 100).map(lambda x: x / 100))
def test_every_router_sends_a_forecast_where_the_policy_says(
    drawn: tuple[dict[str, LaneConfig], Policy], p_solve: float
) -> None:
    lanes, policy = drawn
    routers = exported(policy, lanes)
    for task in ("default", *policy.task_types):
        assert answered(routers[f"auto-{task}"], p_solve) == truth(policy, lanes, task, p_solve)


@given(ladders())
def test_a_policy_exported_and_imported_is_exported_the_same_again(drawn: tuple[dict[str, LaneConfig], Policy]) -> None:
    lanes, policy = drawn
    models = ProxyModels(lanes, {name: f"model of {name}" for name in lanes}, "judge")
    first = yaml.safe_dump(json.loads(json.dumps(litellm_config(policy, models))))
    back = policy_from_yaml(first, models, "c.yaml")
    assert not back.left_out
    assert back.policy.fallbacks == policy.fallbacks
    assert yaml.safe_load(first) == json.loads(json.dumps(litellm_config(back.policy, models)))


# Shapes of LiteLLM 1.106.2's README of the complexity router (pools, REASONING as the capable tier, threshold_step),
# of its reliability page (fallbacks under litellm_settings), and of BerriAI/litellm issue 38832 (another router name).
PUBLIC = """
model_list:
  - model_name: cheap-a
    litellm_params: {model: openai/mini-1}
  - model_name: cheap-b
    litellm_params: {model: openai/mini-2}
  - model_name: best
    litellm_params: {model: azure/gpt-5-2026-08-07}
  - model_name: smart-router
    litellm_params:
      model: auto_router/complexity_router
      complexity_router_config:
        classifier_type: capability
        classifier_llm_config: {model: cheap-a}
        capability_classifier_config:
          {efficient_tier: SIMPLE, capable_tier: REASONING, base_threshold: 0.5, threshold_step: 0.1}
        tiers: {SIMPLE: [cheap-a, cheap-b], REASONING: best}
  - model_name: auto-code
    litellm_params:
      model: auto_router/complexity_router
      complexity_router_config: {tiers: {SIMPLE: cheap-a, MEDIUM: gpt-5-mini, COMPLEX: best, REASONING: best}}
litellm_settings:
  fallbacks: [{cheap-a: [gpt-5-mini, best]}]
  context_window_fallbacks: [{cheap-a: [best]}]
"""


def test_a_published_configuration_becomes_a_policy_and_what_it_cannot_say_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    DuckStore.open(tmp_path / "data").close()
    (tmp_path / "lanes.toml").write_text(TOML)
    (tmp_path / "config.yaml").write_text(PUBLIC)
    head = ["--config", str(tmp_path / "lanes.toml"), "policy", "import", str(tmp_path / "config.yaml")]
    assert run_command([*head, "--why", "as it is", "--data", str(tmp_path / "data")]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["policy"] == {
        "task_types": {},
        "default": {"tier": "small", "threshold": 0.5, "escalate_to": "large"},
        "fallbacks": {"small": ["mid", "large"]},
    }
    assert [line.partition("left out: ")[2][:30] for line in shown.err.splitlines()] == [
        "smart-router: threshold_step a",
        "auto-code: its heuristic class",
        "litellm_settings.context_windo",
    ]


# LiteLLM 1.106.2, README of the complexity router: a model with parameters of its own on a rung (issue 38061).
PARAMETERS = """
model_list:
  - model_name: auto-plan
    litellm_params:
      model: auto_router/complexity_router
      complexity_router_config:
        classifier_type: capability
        capability_classifier_config: {efficient_tier: COMPLEX, capable_tier: REASONING, base_threshold: 0.4}
        tiers:
          COMPLEX: mid
          REASONING: [{model_name: large, litellm_params: {reasoning_effort: xhigh}}, large]
"""


def test_parameters_of_a_model_on_a_rung_are_named_as_left_out() -> None:
    found = policy_from_yaml(PARAMETERS, ProxyModels(THREE), "c.yaml")
    assert found.policy.plain()["task_types"] == {"plan": {"tier": "mid", "threshold": 0.4, "escalate_to": "large"}}
    assert found.left_out == ["auto-plan: tiers.REASONING: litellm_params of large"]


def test_fallbacks_stand_under_the_routers_name_too() -> None:
    """BerriAI/litellm issue 38832: before its fix only the name that the caller asked for was looked up."""
    policy = Policy.model_validate({"default": {"tier": "small"}, "fallbacks": {"small": ["mid", "large"]}})
    listed = litellm_config(policy, ProxyModels(THREE))["router_settings"]["fallbacks"]
    assert listed == [{"small": ["mid", "large"]}, {"auto-default": ["mid", "large"]}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "no YAML"),
        ("model_list: 3", "model_list"),
        ("{}", "no model_list entry is an auto_router/complexity_router"),
        (PUBLIC.replace("{model: openai/mini-1}", "{model: openai/nano}"), "no lane has the model 'cheap-a'"),
        (PUBLIC.replace("capable_tier: REASONING", "capable_tier: REASONIN"), "did you mean 'REASONING'"),
    ],
)
def test_a_configuration_that_is_no_policy_is_refused_with_its_place(text: str, said: str) -> None:
    lanes = {
        "small": LaneConfig(models=("mini*",)),
        "mid": LaneConfig(models=("gpt-5-mini*",)),
        "large": LaneConfig(models=("gpt-5*",)),
    }
    with pytest.raises(BadRequest, match=f"c.yaml: .*{said}"):
        policy_from_yaml(text, ProxyModels(lanes), "c.yaml")
