"""The choices as a policy that routers read: what `policy set` takes, and LiteLLM's YAML."""

from collections.abc import Sequence
from datetime import UTC, datetime

from controlsurface.audit.policy.litellm import ProxyModels, policy_as_yaml
from controlsurface.audit.policy.policy_model import Policy, PolicyVersion, TaskTypePolicy
from controlsurface.config import LaneConfig
from controlsurface.profile.answer_table import Tiers
from controlsurface.profile.tier_choice import TierChoice


def profile_policy(choices: Sequence[TierChoice], tiers: Sequence[str], context_guard: float | None) -> Policy:
    """Each task type's tier; what no task type names goes to the dearest tier. Each tier falls back on dearer ones."""
    order = [*tiers]
    task_types = {
        choice.task_type: TaskTypePolicy(tier=choice.tier, threshold=choice.threshold, escalate_to=choice.escalate_to)
        for choice in choices
    }
    fallbacks = {tier: tuple(order[order.index(tier) + 1 :]) for tier in order[:-1]}
    return Policy(
        task_types=task_types,
        default=TaskTypePolicy(tier=order[-1]),
        context_guard=context_guard,
        fallbacks=fallbacks,
    )


def profile_as_litellm(policy: Policy, tiers: Tiers, why: str) -> str:
    """LiteLLM's config.yaml for the policy, the tiers under their models' names. Raises BadRequest."""
    lanes = {tier: LaneConfig(escalation=index > 0) for index, tier in enumerate(tiers)}
    version = PolicyVersion(
        version=1, at=datetime.now(UTC), who="profile", why=why, restores=None, policy=policy, evidence={}
    )
    return policy_as_yaml(version, ProxyModels(lanes, tiers))
