"""Sampling plans say what share of which requests is shadowed: made from traffic, asked for, and decided by."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any, ClassVar, Self

import numpy as np
import orjson
import pyarrow as pa
from pydantic import Field

from controlsurface.arrays import Floats
from controlsurface.audit.sampling import HASH, Decision, Sampler
from controlsurface.client.arrow_tables import (
    COUNT,
    FLAG,
    INTEGER,
    MAYBE_TEXT,
    NUMBER,
    SHARE,
    TEXT,
    TIME,
    column_table,
    columns,
    list_of,
    record,
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
from controlsurface.errors import BadRequest, NotFound
from controlsurface.query.arguments import Arguments, ArgumentText, FilteredRange, Instant
from controlsurface.query.statement import Statement, where_clause, window_conditions

BAND_COUNT = 10

_EDGES = "SELECT quantile_cont(confidence, $steps) AS deciles, min(confidence) AS low, max(confidence) AS high"
_VOLUMES = """SELECT
    task_type,
    CASE WHEN confidence IS NOT NULL THEN len(list_filter($edges, lambda edge: edge <= confidence)) END AS band,
    sum(sample_weight) AS n
FROM requests AS r{where}
GROUP BY ALL
ORDER BY ALL"""
_NEWEST = "SELECT plan FROM sampling_plans ORDER BY version DESC LIMIT 1"
_ADD_PLAN = """INSERT INTO sampling_plans (version, made_at, made_by, plan)
VALUES ($version, $made_at, $made_by, $plan)"""
_ONE_AT_A_TIME = Lock()  # versions are counted


class SamplingPlanArgs(FilteredRange):
    """How much to shadow, and the traffic that says where: of the 7 days before the newest request, unless said."""

    start: Instant | None = Field(None, strict=True, description="first moment, RFC 3339 or relative (-24h)")
    end: Instant | None = Field(None, strict=True, description="moment after the last, RFC 3339 or relative (-1h)")
    where: tuple[ArgumentText, ...] = Field((), max_length=10, description="dimension:value; as in a query")
    rate: float = Field(0.05, gt=0, le=1, strict=True, description="share of requests to shadow")
    floor: float = Field(0.1, ge=0, le=1, strict=True, description="part of it drawn from all requests alike")


STRATUM = columns(task_type=MAYBE_TEXT, band=INTEGER, n=NUMBER, probability=SHARE)
PLAN = columns(
    version=COUNT,
    made_at=TIME,
    **dict.fromkeys(("rate", "floor", "otherwise"), SHARE),
    edges=list_of(NUMBER),
    hash=TEXT,
)


@dataclass(frozen=True, slots=True)
class CreatePlanCommand(Command):
    """The order for a new plan; it is in force from then on."""

    endpoint: ClassVar = WriteEndpoint(
        "/api/v1/audits/plan",
        "make_plan",
        "Make a sampling plan from the traffic of a window",
        pa.schema([*PLAN, list_of(record(**{each.name: each for each in STRATUM})).with_name("strata")]),
        heavy=True,
    )
    body: SamplingPlanArgs
    made_by: str = "api"

    @classmethod
    def received(cls, body: Arguments, caller: str, headers: Mapping[str, str], /, **fields: Any) -> Self:
        """Under the name of whoever asks for it."""
        return super(CreatePlanCommand, cls).received(body, "", headers, made_by=caller or "api", **fields)

    def execute(self, session: StoreSession) -> dict[str, Any]:
        """Look at the traffic, allocate, keep. Raises BadRequest where there is no traffic to plan for."""
        edges, strata = _traffic(session, self.body)
        volumes = np.array([row["n"] for row in strata])
        chances = allocate_probabilities(volumes, self.body.rate, self.body.floor)
        plan = {
            "rate": self.body.rate,
            "floor": self.body.floor,
            "otherwise": self.body.rate,
            "edges": edges,
            "hash": HASH,
            "strata": [row | {"probability": float(p)} for row, p in zip(strata, chances, strict=True)],
        }
        return self._kept(session, plan)

    def _kept(self, session: StoreSession, plan: Mapping[str, Any]) -> dict[str, Any]:
        """The plan with its version and time, stored."""
        with _ONE_AT_A_TIME:
            now, version = datetime.now(UTC), _newest(session).get("version", 0) + 1
            whole = {"version": version, "made_at": now.isoformat(timespec="seconds"), **plan}
            kept = {"version": version, "made_at": now, "plan": orjson.dumps(whole).decode()}
            session.write([(_ADD_PLAN, kept | {"made_by": self.made_by})])
        return whole


def allocate_probabilities(volumes: Floats, rate: float, floor: float) -> Floats:
    """The probability of each stratum: `rate` of all requests, `floor` of that alike, the rest by the root of volume.

    A stratum that would need more requests than it has is taken whole, and the others share what it leaves.
    """
    roots = np.sqrt(volumes)
    chances, whole = np.full(len(volumes), rate * floor), np.zeros(len(volumes), dtype=bool)
    while True:
        left = rate * volumes.sum() - volumes[whole].sum() - (rate * floor * volumes[~whole]).sum()
        share = np.where(whole, 0.0, roots) / max(roots[~whole].sum(), 1e-300)
        chances = np.where(whole, 1.0, rate * floor + max(left, 0.0) * share / volumes)
        if not (over := (chances > 1) & ~whole).any():
            return np.asarray(np.minimum(chances, 1.0))
        whole |= over


def current_plan(session: StoreSession) -> dict[str, Any]:
    """The newest plan. Raises NotFound where none was made."""
    plan = _newest(session)
    if not plan:
        raise NotFound("no sampling plan yet; `controlsurface audit plan` makes one from the traffic so far")
    return plan


def _newest(session: StoreSession) -> dict[str, Any]:
    """The plan of the highest version; empty where there is none."""
    rows = session.state(_NEWEST).to_pylist()
    return dict(orjson.loads(rows[0]["plan"])) if rows else {}


def _traffic(session: StoreSession, args: SamplingPlanArgs) -> tuple[list[float], list[dict[str, Any]]]:
    """The edges between confidence bands, and the requests of each task type and band: task_type, band, n."""
    found, parameters = window_conditions("requests", args)
    if args.start is None and args.end is None:
        # Not what a wrong clock says.
        newest = "least((SELECT max(started_at) FROM requests), CAST(now() AS TIMESTAMP))"
        found.append(f"r.started_at >= {newest} - INTERVAL 7 DAY")
    traffic = where_clause([*found, "r.cache IS NULL"], "")
    steps = [each / BAND_COUNT for each in range(1, BAND_COUNT)]
    spread = Statement(f"{_EDGES} FROM requests AS r{traffic}", parameters | {"steps": steps}, "audits.edges")
    edges = _edges(session.rows(spread).to_pylist()[0], steps)
    volumes = Statement(_VOLUMES.format(where=traffic), parameters | {"edges": edges}, "audits.volumes")
    rows = session.rows(volumes).to_pylist()
    if not rows:
        raise BadRequest("no requests in this window to plan for; take a longer one")
    return edges, rows


def _edges(spread: Mapping[str, Any], steps: list[float]) -> list[float]:
    """Tenths for confidences from 0 to 1, else the traffic's deciles."""
    if spread["low"] is None:
        return []
    return steps if spread["low"] >= 0 and spread["high"] <= 1 else sorted(set(spread["deciles"]))


_LOG_DECISION = """INSERT INTO sampled_requests (request_id, sampled_at, version, stratum, probability)
SELECT $request_id, $sampled_at, $version, $stratum, $probability
WHERE NOT EXISTS (SELECT 1 FROM sampled_requests WHERE request_id = $request_id)"""


class SamplingArgs(Arguments):
    """What the router knows about the request; what it does not say counts as unknown."""

    task_type: ArgumentText | None = Field(None, description="what kind of work")
    confidence: float | None = Field(None, description="how sure the router is")


DECISION_PATH = "/api/v1/sampling/{request_id:path}"
DECISION = columns(request_id=TEXT, sample=FLAG, probability=SHARE, draw=SHARE, stratum=TEXT, version=COUNT)


@dataclass(frozen=True, slots=True)
class SamplingQuery(Query[Result]):
    """The question whether to shadow a request; asking changes nothing."""

    endpoint: ClassVar = ReadEndpoint(
        DECISION_PATH,
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
        DECISION_PATH,
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
        decision = asdict(_decided(session, self.request_id, self.body))
        if decision["sample"]:
            noted = {name: decision[name] for name in ("request_id", "version", "stratum", "probability")}
            session.write([(_LOG_DECISION, noted | {"sampled_at": datetime.now(UTC)})])
        return decision


class SamplingPlanQuery(PlainQuery[Result]):
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

    def run(self, session: StoreSession) -> Result:
        """The newest plan: a row for each stratum. Raises NotFound where none was made."""
        plan = current_plan(session)
        strata = plan.pop("strata")
        return Result(column_table(strata, STRATUM), plan)


def _decided(session: StoreSession, request_id: str, args: SamplingArgs) -> Decision:
    """The decision by the plan in force. Raises NotFound where there is none."""
    return Sampler.of(current_plan(session)).decide(request_id, args.task_type, args.confidence)
