"""What is asked about policies: the one in force, and all there were."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from controlsurface.audit.policy.model import DOCUMENT, etag, shown
from controlsurface.errors import NotFound
from controlsurface.metrics.arguments import Arguments
from controlsurface.reader.asking import NO_ARGUMENTS, Answer, Ground, NoArguments, Query, ReadEndpoint

COLUMNS = 'version, policy_id, "at", who, why, restores, settings, evidence'


class HistoryArgs(Arguments):
    """How far back."""

    limit: int = Field(100, ge=1, le=10_000, description="at most so many versions, newest first")
    version: int | None = Field(None, ge=1, description="only this one")


@dataclass(frozen=True, slots=True)
class Current(Query[Answer]):
    """The policy in force."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/policy",
        "current_policy",
        "The routing policy in force; with If-None-Match: ETAG the answer is 304 until it changes",
        DOCUMENT,
        form="single",
        row=shown,
        tag="etag",
        problems=("404",),
        pool="routers",
    )
    arguments: NoArguments = NO_ARGUMENTS

    def answered(self, ground: Ground) -> Answer:
        """One row of `policies`; facts: its etag. Raises NotFound before the first."""
        rows = ground.state(f"SELECT {COLUMNS} FROM policies ORDER BY version DESC LIMIT 1")
        if not rows.num_rows:
            raise NotFound("no policy was set yet; `controlsurface policy set` or PUT /api/v1/policy sets the first")
        return Answer(rows, {"etag": etag(rows.to_pylist()[0])})


@dataclass(frozen=True, slots=True)
class History(Query[Answer]):
    """All versions, newest first."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/policy/history", "policies", "All versions of the policy, newest first", DOCUMENT, row=shown
    )
    arguments: HistoryArgs

    def answered(self, ground: Ground) -> Answer:
        """Rows of `policies`."""
        only = " WHERE version = $version" if self.arguments.version else ""
        sql = f"SELECT {COLUMNS} FROM policies{only} ORDER BY version DESC LIMIT $row_limit"
        parameters = {"row_limit": self.arguments.limit}
        return Answer(ground.state(sql, parameters | ({"version": self.arguments.version} if only else {})))
