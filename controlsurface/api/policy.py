"""The addresses of the routing policy."""

from typing import Any

from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.api.shapes import COUNT, TEXT, TIME, many, record
from controlsurface.api.telling import Call, Telling, Told
from controlsurface.audit import policy
from controlsurface.reader import Reader

POLICY = record(
    {"version": COUNT, "at": TIME, "who": TEXT, "why": TEXT, "restores": {"type": ["integer", "null"]}}
    | {"policy": {"type": "object"}, "evidence": {"type": "object"}, "etag": TEXT}
)


def current_policy(reader: Reader, args: policy.Nothing, _: Path) -> Tabular:
    """The policy in force, with its tag."""
    answer = reader.ask(policy.Current(args))
    return Tabular("policy", answer.rows, answer.facts, single=True, form=policy.shown, tag=str(answer.facts["etag"]))


def policies(reader: Reader, args: policy.HistoryArgs, _: Path) -> Tabular:
    """All versions."""
    return Tabular("rows", reader.ask(policy.History(args)).rows, form=policy.shown)


def set_policy(reader: Reader, proposal: policy.Proposal, call: Call) -> Told:
    """Set a policy under the name of whoever sends it."""
    named = proposal.model_copy(update={"who": call.caller.name or proposal.who})
    conditions = {name: call.headers[name] for name in ("if-match", "if-none-match") if name in call.headers}
    return _told(reader.do(policy.SetPolicy(named, conditions)))


def roll_back(reader: Reader, rollback: policy.Rollback, call: Call) -> Told:
    """Bring an older version back under the name of whoever says so."""
    named = rollback.model_copy(update={"who": call.caller.name or rollback.who})
    return _told(reader.do(policy.RollBack(named)))


def _told(kept: Any) -> Told:
    return Told(kept, {"ETag": kept["etag"]})


OPERATIONS = (
    Operation(
        "/api/v1/policy",
        "The routing policy in force; with If-None-Match: ETAG the answer is 304 until it changes",
        policy.Nothing,
        current_policy,
        POLICY,
        problems=("404",),
        pool="routers",
    ),
    Operation(
        "/api/v1/policy/history",
        "All versions of the policy, newest first",
        policy.HistoryArgs,
        policies,
        record({"rows": many(POLICY)}),
    ),
)
TELLINGS = (
    Telling(
        "/api/v1/policy",
        "Set the policy, on top of the version that If-Match names; If-None-Match: * for the first",
        policy.Proposal,
        set_policy,
        POLICY,
        method="PUT",
        role="admin",
        status=200,
        problems=("409", "412", "428"),
    ),
    Telling(
        "/api/v1/policy/rollback",
        "Bring the settings of an older version back, as a new version",
        policy.Rollback,
        roll_back,
        POLICY,
        role="admin",
        problems=("404", "409"),
    ),
)
