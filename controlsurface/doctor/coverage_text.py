"""What the spans of the last seven days fill, as a table and as findings."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pyarrow as pa

from controlsurface.client import connect_client
from controlsurface.client.queries.coverage_query import CoverageQuery, coverage_by_service, missing_facts
from controlsurface.doctor.checks import DoctorTarget
from controlsurface.errors import ControlSurfaceError
from controlsurface.store.duckdb import STORE_FILE

Row = dict[str, Any]


def fact_coverage(patient: DoctorTarget) -> list[Row]:
    """A row for each fact over all services, then for each service; none without a store that answers.

    Why a store does not answer is told by the checks.
    """
    if not (patient.data / STORE_FILE).exists():
        return []
    try:
        with closing(connect_client(patient.data, patient.config.auth.token or None)) as reader:
            return reader.run(CoverageQuery()).rows.to_pylist()
    except ControlSurfaceError:
        return []


def coverage_as_table(rows: list[Row]) -> pa.Table:
    """A line a fact, a column a service."""
    return pa.Table.from_pylist(coverage_by_service(rows))


def coverage_as_lines(rows: list[Row]) -> Iterator[str]:
    """What is weak or empty, and what to send."""
    for what, add in missing_facts(rows):
        yield from (what, f"  {add}")
