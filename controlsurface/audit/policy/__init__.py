"""The routing policy: what was chosen, by whom, why and on what evidence; every version is kept, none is changed.

Nothing here changes a router. A router that wants the policy asks for it.
"""

from controlsurface.audit.policy.policy_model import (
    Policy,
    PolicyVersion,
    Proposal,
    TaskTypePolicy,
    policy_document,
    policy_etag,
    policy_version_of,
)
from controlsurface.audit.policy.policy_versions import (
    CurrentPolicyQuery,
    PolicyHistoryArgs,
    PolicyHistoryQuery,
    Rollback,
    RollbackCommand,
    SetPolicyCommand,
)
