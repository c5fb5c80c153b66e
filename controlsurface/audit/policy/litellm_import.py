"""A policy out of LiteLLM's configuration: its auto-routers with the capability classifier, and its fallbacks.

What a policy cannot say is left out and named: ladders of more than two models that a heuristic walks, thresholds that
move with the classifier's boundary, calibrations of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml.error import YAMLError

from controlsurface.audit.policy.litellm import ROUTER_MODEL, ROUTER_NAME_PREFIX, ProxyModels, read_yaml
from controlsurface.audit.policy.policy_model import Policy, TaskTypePolicy
from controlsurface.errors import BadRequest, did_you_mean
from controlsurface.explanations import explain
from controlsurface.lanes.lane_assignment import matching_lane


class _Read(BaseModel):
    """A part of LiteLLM's configuration: of what is written there, the keys named here."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Capability(_Read):
    efficient_tier: str
    capable_tier: str
    base_threshold: float
    threshold_step: float = 0.0
    calibration: Any = None


class _TierModel(_Read):
    """A model of a tier that is called with parameters of its own there."""

    model_name: str
    litellm_params: Mapping[str, Any] = Field(default_factory=dict)


class _Ladder(_Read):
    """One complexity_router_config."""

    tiers: Mapping[str, str | tuple[str | _TierModel, ...]] = Field(default_factory=dict)
    classifier_type: str = "heuristic"
    capability_classifier_config: _Capability | None = None
    enable_context_window_escalation: bool = False
    context_window_escalation_buffer: float | None = None


class _Parameters(_Read):
    model: str = ""
    complexity_router_config: _Ladder | None = None


class _Deployment(_Read):
    model_name: str
    litellm_params: _Parameters = _Parameters()


class _Settings(_Read):
    fallbacks: tuple[Mapping[str, tuple[str, ...]], ...] | None = None
    default_fallbacks: tuple[str, ...] | None = None
    context_window_fallbacks: tuple[Mapping[str, tuple[str, ...]], ...] | None = None


class _File(_Read):
    model_list: tuple[_Deployment, ...] = ()
    router_settings: _Settings = _Settings()
    litellm_settings: _Settings = _Settings()


@dataclass(slots=True)
class ImportedPolicy:
    """A policy, and a sentence for each thing that it could not take over."""

    policy: Policy
    left_out: list[str] = field(default_factory=list)


def policy_from_yaml(text: str | bytes, models: ProxyModels, name: str) -> ImportedPolicy:
    """The policy in a config.yaml. `name` is the file's. Raises BadRequest where it is none, or holds no policy."""
    try:
        file = _File.model_validate(read_yaml(text) or {})
    except (YAMLError, RecursionError) as problem:
        raise BadRequest(f"{name}: no YAML: {' '.join(str(problem).split())}") from None
    except ValidationError as problem:
        raise BadRequest(f"{name}: {next(explain(problem, _File))}") from None
    return _Reading(file, models, name).policy()


@dataclass(slots=True)
class _Reading:
    """One file being read."""

    file: _File
    models: ProxyModels
    name: str
    left_out: list[str] = field(default_factory=list)

    def policy(self) -> ImportedPolicy:
        """Its policy. Raises BadRequest."""
        chosen: dict[str, TaskTypePolicy] = {}
        for each in self._routers():
            task = each.model_name.removeprefix(ROUTER_NAME_PREFIX)
            found = self._chosen(each.model_name, each.litellm_params.complexity_router_config or _Ladder())
            if found:
                chosen["default" if task == each.model_name else task] = found
        said = {"fallbacks": dict(self._fallbacks()), "context_guard": self._guard()}
        default = chosen.pop("default", TaskTypePolicy())
        if not chosen and default == TaskTypePolicy() and not said["fallbacks"]:
            why = "; ".join(self.left_out) or f"no model_list entry is an {ROUTER_MODEL}"
            raise BadRequest(f"{self.name}: nothing of it is a policy: {why}")
        return ImportedPolicy(Policy.model_validate({"task_types": chosen, "default": default, **said}), self.left_out)

    def _routers(self) -> list[_Deployment]:
        """The auto-routers. One without the prefix stands for every request; several are not known to be of a task."""
        found = [each for each in self.file.model_list if each.litellm_params.model == ROUTER_MODEL]
        plain = [each.model_name for each in found if not each.model_name.startswith(ROUTER_NAME_PREFIX)]
        if len(plain) > 1:
            raise BadRequest(
                f"{self.name}: routers {', '.join(plain)}: which task type is each for? "
                f"Name them {ROUTER_NAME_PREFIX}TASK_TYPE"
            )
        return found

    def _chosen(self, router: str, ladder: _Ladder) -> TaskTypePolicy | None:
        """What one router says, None where a policy cannot say it."""
        judged = ladder.capability_classifier_config
        if ladder.classifier_type == "capability" and judged:
            tier, up = (self._lane(router, ladder, rung) for rung in (judged.efficient_tier, judged.capable_tier))
            if judged.threshold_step or judged.calibration:
                self.left_out.append(f"{router}: threshold_step and calibration; its base_threshold holds everywhere")
            return TaskTypePolicy(tier=tier, threshold=judged.base_threshold, escalate_to=up)
        lanes = dict.fromkeys(self._lane(router, ladder, rung) for rung in ladder.tiers)
        if len(lanes) == 1:
            return TaskTypePolicy(tier=next(iter(lanes)))
        kind = ladder.classifier_type
        self.left_out.append(f"{router}: its {kind} classifier chooses among {', '.join(lanes)} by no confidence")
        return None

    def _lane(self, router: str, ladder: _Ladder, rung: str) -> str:
        """The lane of a rung. Raises BadRequest where there is no such rung, or its models are in several lanes."""
        said = ladder.tiers.get(rung)
        if said is None:
            raise BadRequest(f"{self.name}: {router}: no tier named '{rung}'{did_you_mean(rung, ladder.tiers)}")
        place = f"{router}: tiers.{rung}"
        lanes = {self._lane_of(model, place) for model in self._models(said, place)}
        if len(lanes) != 1:
            raise BadRequest(f"{self.name}: {router}: tiers.{rung} has models of {len(lanes)} lanes; one is needed")
        return lanes.pop()

    def _models(self, said: str | Iterable[str | _TierModel], place: str) -> Iterator[str]:
        """The model_names of a rung; what is said of their calls is left out."""
        for each in [said] if isinstance(said, str) else said:
            if isinstance(each, _TierModel) and each.litellm_params:
                self.left_out.append(f"{place}: litellm_params of {each.model_name}")
            yield each if isinstance(each, str) else each.model_name

    def _lane_of(self, model: str, place: str) -> str:
        """The lane of a model_name: as was said, by the lane's name, or by the model that answers behind the name."""
        lanes = self.models.lanes
        by_name = {self.models.of(lane): lane for lane in lanes}
        if model in by_name:
            return by_name[model]
        behind = [each.litellm_params.model for each in self.file.model_list if each.model_name == model]
        names = (each.rpartition("/")[2].lower() for each in (model, *behind))
        found = {lane[0] for name in names if (lane := matching_lane(lanes, name))}
        if len(found) != 1:
            known = did_you_mean(model, by_name)
            raise BadRequest(
                f"{self.name}: {place}: no lane has the model '{model}'{known}; say it with --model LANE={model}, "
                f"lanes: {', '.join(lanes)}"
            )
        return found.pop()

    def _guard(self) -> float | None:
        """The guard of the context window, where all routers have the same one."""
        ladders = [each.litellm_params.complexity_router_config or _Ladder() for each in self._routers()]
        guards = {
            each.context_window_escalation_buffer if each.enable_context_window_escalation else None for each in ladders
        }
        if len(guards) > 1:
            self.left_out.append("the routers' context_window_escalation_buffer: they differ, and a policy has one")
            return None
        return next(iter(guards), None)

    def _fallbacks(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Who stands in for whom, by lane; those of a router's name follow from those of its lanes."""
        routers = {each.model_name for each in self._routers()}
        for section in ("router_settings", "litellm_settings"):
            settings: _Settings = getattr(self.file, section)
            for key in ("default_fallbacks", "context_window_fallbacks"):
                if getattr(settings, key):
                    self.left_out.append(f"{section}.{key}")
            for model, others in (pair for each in settings.fallbacks or () for pair in each.items()):
                if model not in routers:
                    place = f"{section}.fallbacks.{model}"
                    lane, *chain = (self._lane_of(each, place) for each in (model, *others))
                    yield lane, tuple(dict.fromkeys(other for other in chain if other != lane))
