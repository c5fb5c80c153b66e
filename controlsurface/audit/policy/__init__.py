"""The routing policy: what was chosen, by whom, why and on what evidence; every version is kept, none is changed.

Nothing here changes a router. A router that wants the policy asks for it.
"""

from controlsurface.audit.policy.keeping import RollBack, Rollback, SetPolicy
from controlsurface.audit.policy.model import Chosen, Policy, Proposal, Version, etag, policy_of, shown
from controlsurface.audit.policy.questions import Current, History, HistoryArgs

__all__ = [
    "Chosen",
    "Current",
    "History",
    "HistoryArgs",
    "Policy",
    "Proposal",
    "RollBack",
    "Rollback",
    "SetPolicy",
    "Version",
    "etag",
    "policy_of",
    "shown",
]
