"""Versions of the policy: the one in force, all there were, a new one on top, and an old one brought back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import uuid4

import orjson
from pydantic import Field

from controlsurface.audit.policy.policy_model import (
    DOCUMENT,
    AuthorName,
    Proposal,
    check_policy,
    policy_document,
    policy_etag,
    policy_version_of,
)
from controlsurface.client.query_protocol import (
    Command,
    PlainQuery,
    Query,
    ReadEndpoint,
    Result,
    StoreSession,
    WriteEndpoint,
)
from controlsurface.errors import Conflict, NotFound, Stale, Unconditional
from controlsurface.query.arguments import Arguments, ArgumentText

_VERSIONS = 'SELECT version, policy_id, "at", who, why, restores, settings, evidence FROM policies'
_NEWEST = f"{_VERSIONS} ORDER BY version DESC LIMIT 1"
_ONE = f"{_VERSIONS} WHERE version = $version"


class PolicyHistoryArgs(Arguments):
    """How far back."""

    limit: int = Field(100, ge=1, le=10_000, description="at most so many versions, newest first")
    version: int | None = Field(None, ge=1, description="only this one")


class CurrentPolicyQuery(PlainQuery[Result]):
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

    def run(self, session: StoreSession) -> Result:
        """One row of `policies`; facts: its etag. Raises NotFound before the first."""
        rows = session.state(_NEWEST)
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
        sql = f"{_VERSIONS}{only} ORDER BY version DESC LIMIT $row_limit"
        parameters = {"row_limit": self.arguments.limit}
        return Result(session.state(sql, parameters | ({"version": self.arguments.version} if only else {})))


IF_NONE_MATCH_ANY = "*"  # If-None-Match: there is none yet

# Both happen or neither: the event is told only if this very version was kept.
_KEEP = """\
INSERT INTO policies BY NAME
SELECT
    CAST($version AS INTEGER) AS version, $policy_id AS policy_id, CAST($at AS TIMESTAMP) AS "at", $who AS who,
    $why AS why, CAST($restores AS INTEGER) AS restores, $settings AS settings, $evidence AS evidence
WHERE $version - 1 = (SELECT coalesce(max(version), 0) FROM policies)"""
_TELL = """\
INSERT INTO events ("at", kind, title, detail, source)
SELECT "at", 'config', $title, why, who FROM policies WHERE policy_id = $policy_id"""


class Rollback(Arguments):
    """Which version to bring back."""

    version: int = Field(ge=1, description="the version whose settings come back")
    who: AuthorName = Field("api", description="who decides; a caller with a name is always taken by it")
    why: ArgumentText = Field(min_length=1, description="a sentence for those who will wonder")


@dataclass(frozen=True, slots=True)
class SetPolicyCommand(Command):
    """The order to set a policy; `headers` must say what it rests on: If-Match: ETAG, or If-None-Match: * (the first).

    Raises Unconditional without, Stale where another version came between, and UnknownName or BadRequest for lanes that
    the configuration does not have, or not in that order.
    """

    endpoint: ClassVar = WriteEndpoint(
        "/api/v1/policy",
        "set_policy",
        "Set the policy, on top of the version that If-Match names; If-None-Match: * for the first",
        DOCUMENT,
        method="PUT",
        role="admin",
        status=200,
        author="who",
        tag="etag",
        problems=("409", "412", "428"),
    )
    body: Proposal
    headers: Mapping[str, str]

    @property
    def conditions(self) -> Mapping[str, str]:
        """What it rests on."""
        return self.headers

    @classmethod
    def received(cls, body: Arguments, caller: str, headers: Mapping[str, str], /, **fields: Any) -> Self:
        """With the conditions that it came with."""
        rests = {name: headers[name] for name in ("if-match", "if-none-match") if name in headers}
        return super(SetPolicyCommand, cls).received(body, caller, {}, headers=rests, **fields)

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Keep it; what is in force now, as one document."""
        newest = _newest(session)
        _rests_on(self.headers, newest)
        check_policy(self.body.policy, session.config.lanes)
        settings = orjson.dumps(self.body.policy.plain()).decode()
        row = _row(newest, self.body, settings, orjson.dumps(dict(self.body.evidence)).decode(), None)
        return _kept(session, row, f"policy v{row['version']}")


@dataclass(frozen=True, slots=True)
class RollbackCommand(Command):
    """The order to bring an older version back: a new version with the same settings. Raises NotFound, Conflict.

    Raises UnknownName where the version names a lane that the configuration has no more.
    """

    endpoint: ClassVar = WriteEndpoint(
        "/api/v1/policy/rollback",
        "roll_back",
        "Bring the settings of an older version back, as a new version",
        DOCUMENT,
        role="admin",
        author="who",
        tag="etag",
        problems=("404", "409"),
    )
    body: Rollback

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Keep it; what is in force now, as one document."""
        said = self.body
        found = session.state(_ONE, {"version": said.version}).to_pylist()
        if not found:
            raise NotFound(f"no policy v{said.version}; `controlsurface policy history` lists them")
        old = found[0]
        check_policy(policy_version_of(old).policy, session.config.lanes)
        row = _row(_newest(session), said, old["settings"], old["evidence"], said.version)
        return _kept(session, row, f"policy v{row['version']}: back to v{said.version}")


def _newest(session: StoreSession) -> Mapping[str, Any] | None:
    """The version in force."""
    found = session.state(_NEWEST).to_pylist()
    return dict(found[0]) if found else None


def _rests_on(headers: Mapping[str, str], newest: Mapping[str, Any] | None) -> None:
    """Nothing, where the conditions hold (RFC 9110, section 13). Raises Unconditional, Stale."""
    said = {name.lower(): value.strip() for name, value in headers.items()}
    if "if-match" not in said and said.get("if-none-match") != IF_NONE_MATCH_ANY:
        raise Unconditional("say which version this rests on: If-Match: ETAG, or If-None-Match: * for the first one")
    holds = newest is None if "if-match" not in said else newest is not None and said["if-match"] == policy_etag(newest)
    if not holds:
        now = f"v{newest['version']} by {newest['who']} is in force" if newest else "there is no policy yet"
        raise Stale(f"{now}; look at it, and set yours on top of it")


def _row(
    newest: Mapping[str, Any] | None, said: Proposal | Rollback, settings: str, evidence: str, restores: int | None
) -> dict[str, Any]:
    """The version to come."""
    decided = {"policy_id": uuid4().hex[:16], "at": datetime.now(UTC), "who": said.who, "why": said.why}
    version = (newest["version"] if newest else 0) + 1
    return {"version": version, **decided, "restores": restores, "settings": settings, "evidence": evidence}


def _kept(session: StoreSession, row: Mapping[str, Any], title: str) -> Mapping[str, Any]:
    """The version as it is kept, as one document. Raises Conflict where another came between."""
    session.write([(_KEEP, row), (_TELL, {"title": title, "policy_id": row["policy_id"]})])
    (found,) = session.state(_ONE, {"version": row["version"]}).to_pylist()
    if found["policy_id"] != row["policy_id"]:
        raise Conflict(f"{found['who']} set v{found['version']} at this moment; look at it, and try again")
    return policy_document(found)
