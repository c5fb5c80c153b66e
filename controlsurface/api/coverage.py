"""The address of what spans fill."""

from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.api.shapes import COUNT, MAYBE_TEXT, SHARE, TEXT, TIME, many, record
from controlsurface.reader import Reader
from controlsurface.reader.coverage import STATES, Coverage, CoverageArgs

_FACT = record(
    {
        **dict.fromkeys(("fact", "title"), TEXT),
        "service": MAYBE_TEXT,
        "all_services": {"type": "boolean"},
        "of": TEXT,
        "n": COUNT,
        "share": SHARE,
        "state": {"enum": [*STATES]},
        "add": TEXT,
        **dict.fromkeys(("pages", "rules"), many(TEXT)),
    }
)


def coverage(reader: Reader, args: CoverageArgs, _: Path) -> Tabular:
    """Which share of requests and calls states each fact."""
    answer = reader.ask(Coverage(args))
    return Tabular("facts", answer.rows, answer.facts)


OPERATIONS = (
    Operation(
        "/api/v1/coverage",
        "Which share of requests and calls states each fact, by service; what is weak without it, and what to send",
        CoverageArgs,
        coverage,
        record({"start": TIME, "end": TIME, "facts": many(_FACT)}),
    ),
)
