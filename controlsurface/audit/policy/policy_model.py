"""What a policy says, and a version of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import orjson
from pydantic import Field, model_validator

from controlsurface.client.result_columns import COUNT, INTEGER, OBJECT, TEXT, TIME, columns
from controlsurface.errors import BadRequest
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
