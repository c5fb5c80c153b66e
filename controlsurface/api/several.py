"""The address of several metrics at once."""

from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.api.shapes import FIGURES, NUMBER, SOURCE, TEXT, many, record
from controlsurface.metrics.several import SeveralArgs
from controlsurface.reader import Reader
from controlsurface.reader.several import PATH, Several

PASS = {"metrics": many(TEXT), "source": SOURCE, "sql": TEXT, "parameters": {"type": "object"}, "elapsed_ms": NUMBER}
QUERIES = record({"rows": many(FIGURES), "passes": many(record(PASS))})


def queries(reader: Reader, args: SeveralArgs, _: Path) -> Tabular:
    """The metrics' rows."""
    answer = reader.ask(Several(args))
    return Tabular("rows", answer.rows, answer.facts)


OPERATIONS = (
    Operation(PATH, "Several metrics over one window, by dimensions and time step", SeveralArgs, queries, QUERIES),
)
