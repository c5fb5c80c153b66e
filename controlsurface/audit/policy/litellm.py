"""A policy as configuration of LiteLLM's auto-router: one router for each task type, held against `p_solve`.

Source: LiteLLM's capability classifier (`classifier_type: capability`). It forecasts the probability that the
efficient model solves the task, and routes to `efficient_tier` at `base_threshold` or more. Of a policy these travel:
thresholds between 0 and 1, tiers, and the context guard (`context_window_escalation_buffer`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from controlsurface.audit.policy.model import Chosen, Version
from controlsurface.errors import BadRequest

SMALL, LARGE = "SIMPLE", "COMPLEX"  # two rungs of LiteLLM's ladder are all that a threshold needs
RUNGS = (SMALL, "MEDIUM", LARGE, "REASONING")
_HEAD = """\
# Control Surface policy v{version}, {at:%Y-%m-%d %H:%M} UTC, by {who}: {why}
# Merge into LiteLLM's config.yaml. Each name in `tiers` and the judge must be a model_name there.
# A caller asks for auto-TASK_TYPE. The thresholds are held against p_solve of LiteLLM's capability classifier:
# set them from evidence that was collected with that confidence."""


@dataclass(frozen=True, slots=True)
class Models:
    """Names in the proxy's model_list: of the two lanes, and of the judge that forecasts p_solve.

    `up` are the lanes of the policy that mean the large one.
    """

    small: str
    large: str
    judge: str
    up: frozenset[str] = frozenset({"large"})


def as_yaml(version: Version, models: Models) -> str:
    """The policy as YAML text. Raises BadRequest."""
    said = {"version": version.version, "at": version.at, "who": _line(version.who), "why": _line(version.why)}
    text = yaml.safe_dump(dict(config(version, models)), sort_keys=False, allow_unicode=True)
    return f"{_HEAD.format(**said)}\n{text}"


def config(version: Version, models: Models) -> Mapping[str, Any]:
    """The same as a mapping. Raises BadRequest for a threshold that is no probability."""
    policy = version.policy
    named = {"default": policy.default, **policy.task_types}
    guard: dict[str, Any] = {}
    if policy.context_guard is not None:
        guard = {"enable_context_window_escalation": True, "context_window_escalation_buffer": policy.context_guard}
    routers = {name: _router(name, _filled(each, policy.default), models) | guard for name, each in named.items()}
    return {"model_list": [_deployment(name, router) for name, router in routers.items()]}


def _filled(chosen: Chosen, default: Chosen) -> Chosen:
    """What holds for a task type once the default fills what it leaves open."""
    threshold = default.threshold if chosen.threshold is None and chosen.tier is None else chosen.threshold
    return Chosen(tier=chosen.tier or default.tier, threshold=threshold)


def _router(name: str, chosen: Chosen, models: Models) -> dict[str, Any]:
    """One complexity_router_config: the tier alone where it is the large one or has no threshold, else a forecast."""
    up = chosen.tier in models.up
    if up or chosen.threshold is None:
        return {"tiers": dict.fromkeys(RUNGS, models.large if up else models.small)}
    if not 0 <= chosen.threshold <= 1:
        raise BadRequest(f"{name}: LiteLLM holds thresholds against a probability, and {chosen.threshold:g} is none")
    judged = {"efficient_tier": SMALL, "capable_tier": LARGE, "base_threshold": float(chosen.threshold)}
    return {
        "tiers": {SMALL: models.small, LARGE: models.large},
        "classifier_type": "capability",
        "capability_classifier_config": judged,
        "classifier_llm_config": {"model": models.judge},
    }


def _deployment(name: str, router: Mapping[str, Any]) -> Mapping[str, Any]:
    """One entry of model_list; what cannot be classified goes up."""
    return {
        "model_name": f"auto-{name}",
        "litellm_params": {
            "model": "auto_router/complexity_router",
            "complexity_router_config": router,
            "complexity_router_default_model": router["tiers"][LARGE],
        },
    }


def _line(text: str) -> str:
    """A text as one line of a comment."""
    return " ".join(text.split())
