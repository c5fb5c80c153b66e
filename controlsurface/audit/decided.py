"""What a router asks: which plan is in force, and whether to shadow a request; and the order to note a yes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pyarrow as pa
from pydantic import Field

from controlsurface.audit.plan import in_force
from controlsurface.audit.sampling import Decision, Sampler
from controlsurface.metrics.arguments import Arguments, Text
from controlsurface.reader.asking import Answer, Ground
from controlsurface.store.named_query import StateSql

_LOG = """INSERT INTO sampled_requests (request_id, sampled_at, version, stratum, probability)
SELECT $request_id, $sampled_at, $version, $stratum, $probability
WHERE NOT EXISTS (SELECT 1 FROM sampled_requests WHERE request_id = $request_id)"""


class NoArguments(Arguments):
    """Nothing."""


NOTHING = NoArguments()


class SamplingArgs(Arguments):
    """What the router knows about the request; what it does not say counts as unknown."""

    task_type: Text | None = Field(None, description="what kind of work")
    confidence: float | None = Field(None, description="how sure the router is")


@dataclass(frozen=True, slots=True)
class Sampling:
    """The question whether to shadow a request; asking changes nothing."""

    request_id: str
    arguments: SamplingArgs

    @property
    def path(self) -> str:
        """The address."""
        return f"/api/v1/sampling/{quote(self.request_id, safe='')}"

    def answered(self, ground: Ground) -> Answer:
        """By the plan in force. Raises NotFound where there is none."""
        return Answer(pa.Table.from_pylist([asdict(_decided(ground, self.request_id, self.arguments))]))


@dataclass(frozen=True, slots=True)
class NoteSampling:
    """The order to decide the same and note a yes with its probability; noting it again changes nothing."""

    request_id: str
    body: SamplingArgs
    method: str = "POST"

    @property
    def path(self) -> str:
        """The address."""
        return Sampling(self.request_id, self.body).path

    @property
    def headers(self) -> Mapping[str, str]:
        """No conditions."""
        return {}

    def done(self, ground: Ground) -> dict[str, Any]:
        """The decision, by the plan in force. Raises NotFound where there is none."""
        decision = _decided(ground, self.request_id, self.body)
        if decision.sample:
            ground.keep([_logged(decision)])
        return asdict(decision)


@dataclass(frozen=True, slots=True)
class Plan:
    """The question for the plan in force, for clients that decide by themselves: the facts are the plan."""

    arguments: NoArguments = NOTHING
    path: str = "/api/v1/audits/plan"

    def answered(self, ground: Ground) -> Answer:
        """The newest plan: a row for each stratum. Raises NotFound where none was made."""
        plan = in_force(ground)
        strata = plan.pop("strata")
        types: dict[str, pa.DataType] = {
            "task_type": pa.string(),
            "band": pa.int64(),
            "n": pa.float64(),
            "probability": pa.float64(),
        }
        return Answer(pa.Table.from_pylist(strata, pa.schema(types)), plan)


def _decided(ground: Ground, request_id: str, args: SamplingArgs) -> Decision:
    """The decision by the plan in force. Raises NotFound where there is none."""
    return Sampler.of(in_force(ground)).decide(request_id, args.task_type, args.confidence)


def _logged(decision: Decision) -> StateSql:
    """The statement that keeps a yes."""
    given = asdict(decision)
    kept = {name: given[name] for name in ("request_id", "version", "stratum", "probability")}
    return _LOG, kept | {"sampled_at": datetime.now(UTC)}
