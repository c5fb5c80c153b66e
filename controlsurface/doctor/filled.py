"""What the spans of the last seven days fill, as a table and as findings."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pyarrow as pa

from controlsurface.doctor.checks import Patient
from controlsurface.errors import ControlSurfaceError
from controlsurface.reader import open_reader
from controlsurface.reader.coverage import Coverage
from controlsurface.reader.coverage.words import lacking, side_by_side
from controlsurface.store.duckdb import FILE

Row = dict[str, Any]


def filled(patient: Patient) -> list[Row]:
    """A row for each fact over all services, then for each service; none without a store that answers.

    Why a store does not answer is told by the checks.
    """
    if not (patient.data / FILE).exists():
        return []
    try:
        with closing(open_reader(patient.data, patient.config.auth.token or None)) as reader:
            return reader.ask(Coverage()).rows.to_pylist()
    except ControlSurfaceError:
        return []


def as_table(rows: list[Row]) -> pa.Table:
    """A line a fact, a column a service."""
    return pa.Table.from_pylist(side_by_side(rows))


def as_lines(rows: list[Row]) -> Iterator[str]:
    """What is weak or empty, and what to send."""
    for what, add in lacking(rows):
        yield from (what, f"  {add}")
