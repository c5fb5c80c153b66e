"""The address of built-in advice."""

from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.api.shapes import COUNT, MAYBE_TEXT, NUMBER, TEXT, TIME, many, record
from controlsurface.reader import Reader
from controlsurface.reader.advice import AdviceArgs, Advised

_END = {"type": ["number", "null"]}
_ADVICE = record(
    {
        **dict.fromkeys(("rule", "title", "why", "metric"), TEXT),
        "value": NUMBER,
        "low": _END,
        "high": _END,
        "unit": TEXT,
        "n": COUNT,
        "where": MAYBE_TEXT,
        "page": TEXT,
        "share": NUMBER,
    }
)
_RULE = record(
    {
        "rule": TEXT,
        "looks_for": TEXT,
        "state": {"enum": ["found", "nothing", "too few", "no data", "window too short"]},
        "n": COUNT,
    }
)


def advice(reader: Reader, args: AdviceArgs, _: Path) -> Tabular:
    """What to do, ranked."""
    answer = reader.ask(Advised(args))
    return Tabular("advice", answer.rows, answer.facts)


OPERATIONS = (
    Operation(
        "/api/v1/advice",
        "What to do, by built-in rules, with the figures it rests on; and which rules had too little to go by",
        AdviceArgs,
        advice,
        record({"start": TIME, "end": TIME, "advice": many(_ADVICE), "rules": many(_RULE)}),
    ),
)
