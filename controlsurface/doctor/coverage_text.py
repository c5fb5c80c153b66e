"""What the spans of the last seven days fill."""

from contextlib import closing
from typing import Any

from controlsurface.client import connect_client
from controlsurface.client.queries.coverage_query import CoverageQuery
from controlsurface.doctor.checks import DoctorTarget
from controlsurface.errors import ControlSurfaceError
from controlsurface.store.duckdb import STORE_FILE


def fact_coverage(patient: DoctorTarget) -> list[dict[str, Any]]:
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
