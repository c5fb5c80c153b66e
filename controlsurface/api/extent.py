"""The address of where the stored requests lie in time."""

from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.api.shapes import COUNT, TIME, record
from controlsurface.reader import Reader
from controlsurface.reader.extent import Extent, NoWindow


def extent(reader: Reader, args: NoWindow, _: Path) -> Tabular:
    """How many, from when to when."""
    return Tabular("extent", reader.ask(Extent(args)).rows, single=True)


OPERATIONS = (
    Operation(
        "/api/v1/extent",
        "How many requests there are, and when the first and the last began",
        NoWindow,
        extent,
        record({"requests": COUNT, "first": TIME, "last": TIME}),
    ),
)
