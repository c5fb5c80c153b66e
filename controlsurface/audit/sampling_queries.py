"""What a router asks: which plan is in force, and whether to shadow a request; and the order to note a yes."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from controlsurface.audit.sampling import Decision, Sampler
from controlsurface.audit.sampling_plan import PLAN, STRATUM, current_plan
from controlsurface.client.query_protocol import (
    NO_ARGUMENTS,
    Command,
    NoArguments,
    Query,
    ReadEndpoint,
    Result,
    StoreSession,
    WriteEndpoint,
)
from controlsurface.client.result_columns import COUNT, FLAG, SHARE, TEXT, column_table, columns
from controlsurface.query.arguments import Arguments, ArgumentText
from controlsurface.store.named_query import StateSql

_LOG = """INSERT INTO sampled_requests (request_id, sampled_at, version, stratum, probability)
SELECT $request_id, $sampled_at, $version, $stratum, $probability
WHERE NOT EXISTS (SELECT 1 FROM sampled_requests WHERE request_id = $request_id)"""


class SamplingArgs(Arguments):
    """What the router knows about the request; what it does not say counts as unknown."""

    task_type: ArgumentText | None = Field(None, description="what kind of work")
    confidence: float | None = Field(None, description="how sure the router is")


PATH = "/api/v1/sampling/{request_id:path}"
DECISION = columns(request_id=TEXT, sample=FLAG, probability=SHARE, draw=SHARE, stratum=TEXT, version=COUNT)


@dataclass(frozen=True, slots=True)
class SamplingQuery(Query[Result]):
    """The question whether to shadow a request; asking changes nothing."""

    endpoint: ClassVar = ReadEndpoint(
        PATH,
        "sampling",
        "Whether a router should shadow a request, by the plan in force; nothing is written",
        DECISION,
        form="single",
        pool="routers",
    )
    request_id: str
    arguments: SamplingArgs

    def run(self, session: StoreSession) -> Result:
        """By the plan in force. Raises NotFound where there is none."""
        return Result(pa.Table.from_pylist([asdict(_decided(session, self.request_id, self.arguments))]))


@dataclass(frozen=True, slots=True)
class LogSamplingCommand(Command):
    """The order to decide the same and note a yes with its probability; noting it again changes nothing."""

    endpoint: ClassVar = WriteEndpoint(
        PATH,
        "note_sampling",
        "Whether a router should shadow a request, by the plan in force; a yes is noted with its probability",
        DECISION,
        status=200,
        problems=("404",),
    )
    request_id: str
    body: SamplingArgs

    def execute(self, session: StoreSession) -> dict[str, Any]:
        """The decision, by the plan in force. Raises NotFound where there is none."""
        decision = _decided(session, self.request_id, self.body)
        if decision.sample:
            session.write([_logged(decision)])
        return asdict(decision)


@dataclass(frozen=True, slots=True)
class SamplingPlanQuery(Query[Result]):
    """The question for the plan in force, for clients that decide by themselves: the facts are the plan."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/audits/plan",
        "sampling_plan",
        "The sampling plan in force, for clients",
        STRATUM,
        PLAN,
        rows="strata",
        problems=("404",),
        pool="routers",
    )
    arguments: NoArguments = NO_ARGUMENTS

    def run(self, session: StoreSession) -> Result:
        """The newest plan: a row for each stratum. Raises NotFound where none was made."""
        plan = current_plan(session)
        strata = plan.pop("strata")
        return Result(column_table(strata, STRATUM), plan)


def _decided(session: StoreSession, request_id: str, args: SamplingArgs) -> Decision:
    """The decision by the plan in force. Raises NotFound where there is none."""
    return Sampler.of(current_plan(session)).decide(request_id, args.task_type, args.confidence)


def _logged(decision: Decision) -> StateSql:
    """The statement that keeps a yes."""
    given = asdict(decision)
    kept = {name: given[name] for name in ("request_id", "version", "stratum", "probability")}
    return _LOG, kept | {"sampled_at": datetime.now(UTC)}
