"""The lanes of a policy against those of the configuration: which there are, which one answers below a threshold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from controlsurface.audit.policy.policy_model import Policy, TaskTypePolicy
from controlsurface.config import LaneConfig
from controlsurface.errors import BadRequest, did_you_mean

Lanes = Mapping[str, LaneConfig]


@dataclass(frozen=True, slots=True)
class LadderStep:
    """What holds for a request: the lane tried first, and the one that answers below a threshold, if there is one."""

    tier: str
    threshold: float | None = None
    up: str | None = None


def check_policy(policy: Policy, lanes: Lanes) -> None:
    """Raises BadRequest for a lane that the configuration does not name, and for a step that leads to no dearer one."""
    for place, name in _named(policy):
        if name not in lanes:
            raise BadRequest(f"{place}: no lane named '{name}'{_meant(name, lanes)}; lanes: {', '.join(lanes)}")
    for name, chosen in _all(policy):
        ladder_step(_place(name), chosen, policy.default, lanes)
    for name, others in policy.fallbacks.items():
        if name in others:
            raise BadRequest(f"fallbacks.{name}: '{name}' cannot stand in for itself")


def ladder_step(place: str, chosen: TaskTypePolicy, default: TaskTypePolicy, lanes: Lanes) -> LadderStep:
    """What holds once the default fills what is left open: a tier alone has no threshold. Raises BadRequest."""
    alone = chosen.threshold is None and chosen.tier is not None
    threshold = chosen.threshold if chosen.threshold is not None or alone else default.threshold
    order = list(lanes)
    tier = chosen.tier or default.tier or order[0]
    dearer = order[order.index(tier) + 1 :]
    if chosen.escalate_to and chosen.escalate_to not in dearer:
        raise BadRequest(
            f"{place}.escalate_to: '{chosen.escalate_to}' is no dearer than its tier '{tier}'; "
            f"from cheap to dear: {', '.join(lanes)}"
        )
    if threshold is None or not dearer:
        return LadderStep(tier)
    asked = chosen.escalate_to or (default.escalate_to if default.escalate_to in dearer else None)
    return LadderStep(tier, threshold, asked or next((name for name in dearer if lanes[name].escalation), dearer[0]))


def ladder_steps(policy: Policy, lanes: Lanes) -> dict[str, LadderStep]:
    """What holds for each task type, and under `default` for the rest. Raises BadRequest as `check_policy` does."""
    check_policy(policy, lanes)
    return {name: ladder_step(_place(name), chosen, policy.default, lanes) for name, chosen in _all(policy)}


def _all(policy: Policy) -> Iterator[tuple[str, TaskTypePolicy]]:
    yield "default", policy.default
    yield from policy.task_types.items()


def _place(name: str) -> str:
    return name if name == "default" else f"task_types.{name}"


def _named(policy: Policy) -> Iterator[tuple[str, str]]:
    """Every lane that a policy names, with its place."""
    for name, chosen in _all(policy):
        for key, lane in (("tier", chosen.tier), ("escalate_to", chosen.escalate_to)):
            if lane is not None:
                yield f"{_place(name)}.{key}", lane
    for name, others in policy.fallbacks.items():
        yield from ((f"fallbacks.{name}", lane) for lane in (name, *others))


def _meant(name: str, lanes: Lanes) -> str:
    """The lane whose alias it is, else the nearest name; where none is near, nothing."""
    by_alias = {alias.lower(): lane for lane, about in lanes.items() for alias in (*about.aliases, lane)}
    found = by_alias.get(name.lower())
    return f"; did you mean '{found}'?" if found else did_you_mean(name, lanes)
