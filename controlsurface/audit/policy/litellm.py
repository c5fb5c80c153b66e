"""A policy as configuration of LiteLLM's auto-router: one router for each task type, held against `p_solve`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from controlsurface.audit.policy.policy_model import (
    LadderStep,
    Lanes,
    Policy,
    PolicyVersion,
    check_policy,
    ladder_steps,
)
from controlsurface.errors import BadRequest, UnknownName


class _Constructor(SafeConstructor):
    """What PyYAML makes of a scalar: `y` and `1e3` are texts."""

    def check_mapping_key(self, *about: object) -> bool:
        """Take every key."""
        return True

    def construct_yaml_bool(self, node: ScalarNode) -> Any:
        """True and false have two letters at least."""
        return super().construct_yaml_bool(node) if len(node.value) > 1 else node.value

    def construct_yaml_float(self, node: ScalarNode) -> Any:
        """A number with an exponent has a point."""
        return super().construct_yaml_float(node) if "." in node.value else node.value


class _Representer(SafeRepresenter):
    def represent_str(self, data: str) -> ScalarNode:
        """Escape what is no printable sign: ruamel.yaml would write some of them as breaks of a line."""
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=None if data.isprintable() else '"')


_Constructor.add_constructor("tag:yaml.org,2002:bool", _Constructor.construct_yaml_bool)
_Constructor.add_constructor("tag:yaml.org,2002:float", _Constructor.construct_yaml_float)
_Representer.add_representer(str, _Representer.represent_str)


def read_yaml(text: str | bytes) -> Any:
    """The document as plain values. Raises YAMLError."""
    return _yaml().load(text)


def write_yaml(value: Mapping[str, Any]) -> str:
    """A mapping as block text, its keys in their order."""
    text = StringIO()
    _yaml().dump(dict(value), text)
    return text.getvalue().removeprefix("%YAML 1.1\n---\n")


def _yaml() -> Any:
    found: Any = YAML(typ="safe", pure=True)
    found.version = (1, 1)
    found.Constructor, found.Representer = _Constructor, _Representer
    found.default_flow_style = found.sort_base_mapping_type_on_output = False
    return found


ROUTER_NAME_PREFIX = "auto-"  # before a task type: the name that callers ask for
SMALL_TIER, LARGE_TIER = "SIMPLE", "COMPLEX"  # two rungs of LiteLLM's ladder are all that a threshold needs
TIER_NAMES = (SMALL_TIER, "MEDIUM", LARGE_TIER, "REASONING")
ROUTER_MODEL = "auto_router/complexity_router"
_HEAD = """\
# Control Surface policy v{version}, {at:%Y-%m-%d %H:%M} UTC, by {who}: {why}
# Merge into LiteLLM's config.yaml. Each name in `tiers` and the judge must be a model_name there.
# A caller asks for auto-TASK_TYPE. The thresholds are held against p_solve of LiteLLM's capability classifier:
# set them from evidence that was collected with that confidence."""


@dataclass(frozen=True, slots=True)
class ProxyModels:
    """Names in the proxy's model_list: of each lane, by default the lane's own, and of the judge.

    `judge` forecasts p_solve, and is by default the model of the cheapest lane.
    """

    lanes: Lanes
    names: Mapping[str, str] = field(default_factory=dict)
    judge: str | None = None

    def __post_init__(self) -> None:
        """Raises UnknownName for a lane that is none, and BadRequest where two lanes have one model."""
        for lane in self.names:
            if lane not in self.lanes:
                raise UnknownName("lane", lane, self.lanes)
        models = [self.of(lane) for lane in self.lanes]
        for model in models:
            if models.count(model) > 1:
                shared = " and ".join(lane for lane in self.lanes if self.of(lane) == model)
                raise BadRequest(f"lanes {shared} have one model, '{model}'; a router cannot tell them apart")

    def of(self, lane: str) -> str:
        """The model_name of a lane."""
        return self.names.get(lane, lane)

    @property
    def forecaster(self) -> str:
        """The model_name of the judge."""
        return self.judge or self.of(next(iter(self.lanes)))


def policy_as_yaml(version: PolicyVersion, models: ProxyModels) -> str:
    """The policy as YAML text. Raises BadRequest."""
    who, why = (" ".join(text.split()) for text in (version.who, version.why))  # a comment has one line
    head = _HEAD.format(version=version.version, at=version.at, who=who, why=why)
    return f"{head}\n{write_yaml(litellm_config(version.policy, models))}"


def litellm_config(policy: Policy, models: ProxyModels) -> Mapping[str, Any]:
    """The same as a mapping. Raises BadRequest for a threshold that is no probability, or a lane that is none."""
    check_policy(policy, models.lanes)
    if "default" in policy.task_types:
        raise BadRequest("task_types.default: LiteLLM's auto-default stands for every other task type; rename this one")
    guard: dict[str, Any] = {}
    if policy.context_guard is not None:
        guard = {"enable_context_window_escalation": True, "context_window_escalation_buffer": policy.context_guard}
    found = ladder_steps(policy, models.lanes)
    listed = [_deployment(name, each, models, guard) for name, each in found.items()]
    fallbacks = _fallbacks(policy, found, models)
    return {"model_list": listed} | ({"router_settings": {"fallbacks": fallbacks}} if fallbacks else {})


def _deployment(name: str, each: LadderStep, models: ProxyModels, guard: Mapping[str, Any]) -> Mapping[str, Any]:
    """One entry of model_list; what cannot be classified goes up."""
    return {
        "model_name": f"{ROUTER_NAME_PREFIX}{name}",
        "litellm_params": {
            "model": ROUTER_MODEL,
            "complexity_router_config": {**_router(name, each, models), **guard},
            "complexity_router_default_model": models.of(each.up or each.tier),
        },
    }


def _router(name: str, each: LadderStep, models: ProxyModels) -> dict[str, Any]:
    """One complexity_router_config: the tier alone where nothing is held against a threshold, else a forecast."""
    if each.up is None or each.threshold is None:
        return {"tiers": dict.fromkeys(TIER_NAMES, models.of(each.tier))}
    if not 0 <= each.threshold <= 1:
        raise BadRequest(f"{name}: LiteLLM holds thresholds against a probability, and {each.threshold:g} is none")
    judged = {"efficient_tier": SMALL_TIER, "capable_tier": LARGE_TIER, "base_threshold": float(each.threshold)}
    return {
        "tiers": {SMALL_TIER: models.of(each.tier), LARGE_TIER: models.of(each.up)},
        "classifier_type": "capability",
        "capability_classifier_config": judged,
        "classifier_llm_config": {"model": models.forecaster},
    }


def _fallbacks(policy: Policy, found: Mapping[str, LadderStep], models: ProxyModels) -> list[dict[str, list[str]]]:
    """Who stands in for whom, by model and by router: older LiteLLM looks for the name that the caller asked for.

    Source: BerriAI/litellm issue 38832, fallbacks of the tier that an auto-router chose were never tried.
    """
    chains = {lane: [models.of(other) for other in others] for lane, others in policy.fallbacks.items()}
    named = {models.of(lane): chain for lane, chain in chains.items()}
    for name, each in found.items():
        lanes = (each.tier,) if each.up is None else (each.tier, each.up)
        ways = dict.fromkeys(model for lane in lanes for model in chains.get(lane, ()))
        named[f"{ROUTER_NAME_PREFIX}{name}"] = [model for model in ways if model != models.of(each.tier)]
    return [{name: chain} for name, chain in named.items() if chain]
