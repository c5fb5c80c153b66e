"""What a policy says, a version of it, and the ladder of lanes that follows: which one answers below a threshold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import orjson
from pydantic import Field, model_validator

from controlsurface.client.arrow_tables import COUNT, INTEGER, OBJECT, TEXT, TIME, columns
from controlsurface.config import LaneConfig
from controlsurface.errors import BadRequest, did_you_mean
from controlsurface.query.arguments import Arguments, ArgumentText

PolicyThreshold = Annotated[float, Field(ge=-1e6, le=1e6)]
LaneName = Annotated[str, Field(min_length=1, max_length=100)]
AuthorName = Annotated[str, Field(min_length=1, max_length=100)]


class TaskTypePolicy(Arguments):
    """What holds for a task type. Without a threshold its tier answers whatever the confidence is."""

    tier: LaneName | None = Field(None, description="the lane that is tried first; null: the default one")
    threshold: PolicyThreshold | None = Field(
        None, description="a confidence below it is escalated; null: the default one"
    )
    escalate_to: LaneName | None = Field(
        None, description="the lane that answers below the threshold; null: the next dearer one that is an escalation"
    )


class Policy(Arguments):
    """Thresholds and tiers, per task type and for the rest, and the guard of the context window."""

    task_types: Mapping[ArgumentText, TaskTypePolicy] = Field(
        default_factory=dict, description="what holds for each task type"
    )
    default: TaskTypePolicy = Field(TaskTypePolicy(), description="what holds for every other request")
    context_guard: float | None = Field(
        None, gt=0, le=1, description="share of a small model's context window over which a request goes up at once"
    )
    fallbacks: Mapping[LaneName, tuple[LaneName, ...]] = Field(
        default_factory=dict, description="lanes that are tried in turn when calls of a lane fail"
    )

    @model_validator(mode="after")
    def _says_something(self) -> "Policy":
        """Refuse a policy from which a router could read nothing."""
        said = self.task_types or self.default != TaskTypePolicy() or self.context_guard is not None or self.fallbacks
        if not said:
            raise BadRequest("the policy is empty; give task_types, default, context_guard or fallbacks")
        if len(self.task_types) > 1000:
            raise BadRequest(f"task_types: {len(self.task_types)} are more than 1000")
        return self

    def plain(self) -> dict[str, Any]:
        """What it says as JSON, what is not said left out."""
        said = self.model_dump(mode="json", exclude_none=True)
        return said if self.fallbacks else {name: each for name, each in said.items() if name != "fallbacks"}


class Proposal(Arguments):
    """A policy to come, and what it rests on."""

    policy: Policy = Field(description="thresholds and tiers")
    who: AuthorName = Field("api", description="who decides; a caller with a name is always taken by it")
    why: ArgumentText = Field(min_length=1, description="a sentence for those who will wonder")
    evidence: Mapping[ArgumentText, Any] = Field(default_factory=dict, description="what is known of its effects now")


DOCUMENT = columns(
    version=COUNT, at=TIME, who=TEXT, why=TEXT, restores=INTEGER, policy=OBJECT, evidence=OBJECT, etag=TEXT
)


class PolicyVersion(Arguments):
    """A policy in force, or once in force."""

    version: int = Field(description="1, 2, ...")
    at: datetime = Field(description="since when")
    who: ArgumentText = Field(description="who decided")
    why: ArgumentText = Field(description="why")
    restores: int | None = Field(description="a rollback: the version that came back")
    policy: Policy = Field(description="thresholds and tiers")
    evidence: Mapping[str, Any] = Field(description="what was known of its effects then")


def policy_version_of(row: Mapping[str, Any]) -> PolicyVersion:
    """A row of `policies` as what it says."""
    plain = {name: row[name] for name in ("version", "at", "who", "why", "restores")}
    settings = {"policy": orjson.loads(row["settings"]), "evidence": orjson.loads(row["evidence"])}
    return PolicyVersion.model_validate(plain | settings)


def policy_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `policies` as one document, what is not said left out of the settings."""
    version = policy_version_of(row)
    return version.model_dump() | {
        "policy": version.policy.plain(),
        "evidence": dict(version.evidence),
        "etag": policy_etag(row),
    }


def policy_etag(row: Mapping[str, Any]) -> str:
    """The entity tag of a version (RFC 9110, section 8.8.3): of this store's alone, so that no other passes for it."""
    return f'"{row["version"]}-{row["policy_id"]}"'


Lanes = Mapping[str, LaneConfig]


@dataclass(frozen=True, slots=True)
class LadderStep:
    """What holds for a request: the lane tried first, and the one that answers below a threshold, if there is one."""

    tier: str
    threshold: float | None = None
    up: str | None = None


def check_policy(policy: Policy, lanes: Lanes) -> None:
    """Raises BadRequest for a lane that the configuration does not name, and for a step that leads to no dearer one."""
    for place, name in _named_lanes(policy):
        if name not in lanes:
            near = _did_you_mean_lane(name, lanes)
            raise BadRequest(f"{place}: no lane named '{name}'{near}; lanes: {', '.join(lanes)}")
    for name, chosen in _task_policies(policy):
        ladder_step(_policy_place(name), chosen, policy.default, lanes)
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
    said = _task_policies(policy)
    return {name: ladder_step(_policy_place(name), chosen, policy.default, lanes) for name, chosen in said}


def _task_policies(policy: Policy) -> Iterator[tuple[str, TaskTypePolicy]]:
    yield "default", policy.default
    yield from policy.task_types.items()


def _policy_place(name: str) -> str:
    return name if name == "default" else f"task_types.{name}"


def _named_lanes(policy: Policy) -> Iterator[tuple[str, str]]:
    """Every lane that a policy names, with its place."""
    for name, chosen in _task_policies(policy):
        for key, lane in (("tier", chosen.tier), ("escalate_to", chosen.escalate_to)):
            if lane is not None:
                yield f"{_policy_place(name)}.{key}", lane
    for name, others in policy.fallbacks.items():
        yield from ((f"fallbacks.{name}", lane) for lane in (name, *others))


def _did_you_mean_lane(name: str, lanes: Lanes) -> str:
    """The lane whose alias it is, else the nearest name; where none is near, nothing."""
    by_alias = {alias.lower(): lane for lane, about in lanes.items() for alias in (*about.aliases, lane)}
    found = by_alias.get(name.lower())
    return f"; did you mean '{found}'?" if found else did_you_mean(name, lanes)
