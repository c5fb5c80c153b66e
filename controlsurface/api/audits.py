"""The addresses of sampling, disagreement, calibration and other thresholds."""

from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.api.shapes import COUNT, MAYBE_TEXT, NUMBER, SHARE, TEXT, TIME, Schema, many, record
from controlsurface.api.telling import Call, Telling, Told
from controlsurface.audit import questions
from controlsurface.audit.plan import MakePlan, PlanArgs
from controlsurface.reader import Reader

_FIGURE: Schema = {"type": ["number", "null"]}
_FLAG: Schema = {"type": "boolean"}
_OBJECT: Schema = {"type": ["object", "null"]}
_BAND: Schema = {"type": ["integer", "null"]}

DECISION = record(
    {"request_id": TEXT, "sample": _FLAG, "probability": SHARE, "draw": SHARE, "stratum": TEXT, "version": COUNT}
)
PLAN = record(
    {"version": COUNT, "made_at": TIME, "rate": SHARE, "floor": SHARE, "otherwise": SHARE, "edges": many(NUMBER)}
    | {
        "hash": TEXT,
        "strata": many(record({"task_type": MAYBE_TEXT, "band": _BAND, "n": NUMBER, "probability": SHARE})),
    }
)
DISAGREEMENT = record(
    {
        "rows": many(
            record({"n": COUNT, "comparator": MAYBE_TEXT, **dict.fromkeys(("value", "low", "high", "ac1"), _FIGURE)})
        ),
        "large_worse": many(TEXT),
        "large_perhaps_worse": many(TEXT),
        "slices": COUNT,
    }
)
CALIBRATION = record(
    {
        "bins": many(record({**dict.fromkeys(("lower", "upper", "confidence"), NUMBER), "correct": SHARE, "n": COUNT})),
        "n": COUNT,
        "refused": MAYBE_TEXT,
        "kind": MAYBE_TEXT,
        "basis": MAYBE_TEXT,
        **dict.fromkeys(("graded", "by_agreement"), COUNT),
        **dict.fromkeys(("graded_share", "agreement_share"), SHARE),
        "errors": {"type": "object"},
        "ranking": _OBJECT,
        "map": _OBJECT,
    }
)
WHATIF = record(
    {
        "rows": many(
            record(
                {"task_type": MAYBE_TEXT, "threshold": NUMBER, "n": COUNT, "escalation_rate": SHARE}
                | {"evidence": {"enum": ["pairs", "none"]}, "unsupported_share": SHARE}
                | dict.fromkeys(("quality", "quality_lowest", "quality_highest", "cost_usd", "latency_ms"), _FIGURE)
            )
        ),
        "slices": many({"type": "object"}),
        "rule": TEXT,
        "task_types": COUNT,
        **dict.fromkeys(("from_lane", "to_lane"), MAYBE_TEXT),
    }
)


def sampling(reader: Reader, args: questions.SamplingArgs, path: Path) -> Tabular:
    """Whether to shadow."""
    return Tabular("decision", reader.ask(questions.Sampling(path["request_id"], args)).rows, single=True)


def sampling_plan(reader: Reader, _: questions.NoArguments, __: Path) -> Tabular:
    """The plan in force."""
    answer = reader.ask(questions.Plan())
    return Tabular("strata", answer.rows, answer.facts)


def disagreement(reader: Reader, args: questions.DisagreementArgs, _: Path) -> Tabular:
    """Rates by slice."""
    answer = reader.ask(questions.Disagreement(args))
    return Tabular("rows", answer.rows, answer.facts)


def calibration(reader: Reader, args: questions.CalibrationArgs, _: Path) -> Tabular:
    """Bins and errors."""
    answer = reader.ask(questions.Calibration(args))
    return Tabular("bins", answer.rows, answer.facts)


def whatif(reader: Reader, args: questions.WhatIfArgs, _: Path) -> Tabular:
    """Figures by threshold."""
    answer = reader.ask(questions.WhatIf(args))
    return Tabular("rows", answer.rows, answer.facts)


def note_sampling(reader: Reader, args: questions.SamplingArgs, call: Call) -> Told:
    """The decision, with a yes noted."""
    return Told(reader.do(questions.NoteSampling(call.path["request_id"], args)))


def make_plan(reader: Reader, args: PlanArgs, call: Call) -> Told:
    """A new plan, under the name of whoever asks for it."""
    return Told(reader.do(MakePlan(args, call.caller.name or "api")))


OPERATIONS = (
    Operation(
        "/api/v1/sampling/{request_id:path}",
        "Whether a router should shadow a request, by the plan in force; nothing is written",
        questions.SamplingArgs,
        sampling,
        DECISION,
        pool="routers",
    ),
    Operation(
        "/api/v1/audits/plan",
        "The sampling plan in force, for clients",
        questions.NoArguments,
        sampling_plan,
        PLAN,
        problems=("404",),
        pool="routers",
    ),
    Operation(
        "/api/v1/audits/disagreement",
        "How often lanes disagree, by slice, and where the large lane is worse",
        questions.DisagreementArgs,
        disagreement,
        DISAGREEMENT,
    ),
    Operation(
        "/api/v1/audits/calibration",
        "What the confidence is worth",
        questions.CalibrationArgs,
        calibration,
        CALIBRATION,
    ),
    Operation(
        "/api/v1/whatif",
        "Escalation, quality, cost and latency at other thresholds, or why nobody can say",
        questions.WhatIfArgs,
        whatif,
        WHATIF,
        problems=("404",),
    ),
)
TELLINGS = (
    Telling(
        "/api/v1/sampling/{request_id:path}",
        "Whether a router should shadow a request, by the plan in force; a yes is noted with its probability",
        questions.SamplingArgs,
        note_sampling,
        DECISION,
        status=200,
        problems=("404",),
    ),
    Telling(
        "/api/v1/audits/plan",
        "Make a sampling plan from the traffic of a window",
        PlanArgs,
        make_plan,
        PLAN,
        heavy=True,
    ),
)
