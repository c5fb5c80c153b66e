"""What is asked about policies: the one in force, and all there were."""

from dataclasses import dataclass

from pydantic import Field

from controlsurface.audit.policy.model import etag
from controlsurface.errors import NotFound
from controlsurface.metrics.arguments import Arguments
from controlsurface.reader.asking import Answer, Ground

COLUMNS = 'version, policy_id, "at", who, why, restores, settings, evidence'


class Nothing(Arguments):
    """No arguments."""


class HistoryArgs(Arguments):
    """How far back."""

    limit: int = Field(100, ge=1, le=10_000, description="at most so many versions, newest first")
    version: int | None = Field(None, ge=1, description="only this one")


@dataclass(frozen=True, slots=True)
class Current:
    """The policy in force."""

    arguments: Nothing = Nothing()  # noqa: RUF009 - frozen
    path: str = "/api/v1/policy"

    def answered(self, ground: Ground) -> Answer:
        """One row of `policies`; facts: its etag. Raises NotFound before the first."""
        rows = ground.state(f"SELECT {COLUMNS} FROM policies ORDER BY version DESC LIMIT 1")
        if not rows.num_rows:
            raise NotFound("no policy was set yet; `controlsurface policy set` or PUT /api/v1/policy sets the first")
        return Answer(rows, {"etag": etag(rows.to_pylist()[0])})


@dataclass(frozen=True, slots=True)
class History:
    """All versions, newest first."""

    arguments: HistoryArgs
    path: str = "/api/v1/policy/history"

    def answered(self, ground: Ground) -> Answer:
        """Rows of `policies`."""
        only = " WHERE version = $version" if self.arguments.version else ""
        sql = f"SELECT {COLUMNS} FROM policies{only} ORDER BY version DESC LIMIT $row_limit"
        parameters = {"row_limit": self.arguments.limit}
        return Answer(ground.state(sql, parameters | ({"version": self.arguments.version} if only else {})))
