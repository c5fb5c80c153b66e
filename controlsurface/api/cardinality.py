"""The address of how many values dimensions have."""

from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.api.shapes import COUNT, MAYBE_TEXT, TEXT, many, record
from controlsurface.metrics.arguments import TimeRange
from controlsurface.reader import Reader
from controlsurface.reader.cardinality import PATH, Cardinality

CARDINALITY = record(
    {
        "dimensions": many(
            record(
                {"dimension": TEXT, **dict.fromkeys(("limit", "values", "over_limit", "other_rows"), COUNT)}
                | {"samples": many(TEXT), "last_day": MAYBE_TEXT}
            )
        )
    }
)


def cardinality(reader: Reader, args: TimeRange, _: Path) -> Tabular:
    """Values and limits."""
    return Tabular("dimensions", reader.ask(Cardinality(args)).rows)


OPERATIONS = (
    Operation(
        PATH,
        "How many values each dimension has on a day, its limit, and what went to `(other)`",
        TimeRange,
        cardinality,
        CARDINALITY,
    ),
)
