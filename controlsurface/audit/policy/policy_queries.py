"""What is asked about policies: the one in force, and all there were."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from controlsurface.audit.policy.policy_model import DOCUMENT, policy_document, policy_etag
from controlsurface.client.query_protocol import NO_ARGUMENTS, NoArguments, Query, ReadEndpoint, Result, StoreSession
from controlsurface.errors import NotFound
from controlsurface.query.arguments import Arguments

POLICY_COLUMNS = 'version, policy_id, "at", who, why, restores, settings, evidence'


class PolicyHistoryArgs(Arguments):
    """How far back."""

    limit: int = Field(100, ge=1, le=10_000, description="at most so many versions, newest first")
    version: int | None = Field(None, ge=1, description="only this one")


@dataclass(frozen=True, slots=True)
class CurrentPolicyQuery(Query[Result]):
    """The policy in force."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/policy",
        "current_policy",
        "The routing policy in force; with If-None-Match: ETAG the answer is 304 until it changes",
        DOCUMENT,
        form="single",
        row=policy_document,
        tag="etag",
        problems=("404",),
        pool="routers",
    )
    arguments: NoArguments = NO_ARGUMENTS

    def run(self, session: StoreSession) -> Result:
        """One row of `policies`; facts: its etag. Raises NotFound before the first."""
        rows = session.state(f"SELECT {POLICY_COLUMNS} FROM policies ORDER BY version DESC LIMIT 1")
        if not rows.num_rows:
            raise NotFound("no policy was set yet; `controlsurface policy set` or PUT /api/v1/policy sets the first")
        return Result(rows, {"etag": policy_etag(rows.to_pylist()[0])})


@dataclass(frozen=True, slots=True)
class PolicyHistoryQuery(Query[Result]):
    """All versions, newest first."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/policy/history", "policies", "All versions of the policy, newest first", DOCUMENT, row=policy_document
    )
    arguments: PolicyHistoryArgs

    def run(self, session: StoreSession) -> Result:
        """Rows of `policies`."""
        only = " WHERE version = $version" if self.arguments.version else ""
        sql = f"SELECT {POLICY_COLUMNS} FROM policies{only} ORDER BY version DESC LIMIT $row_limit"
        parameters = {"row_limit": self.arguments.limit}
        return Result(session.state(sql, parameters | ({"version": self.arguments.version} if only else {})))
