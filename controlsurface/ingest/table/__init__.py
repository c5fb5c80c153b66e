"""Tables of requests (CSV, Parquet) as OTLP bodies in our own vocabulary, by a mapping that says which column is what.

One row is one request with the attempts that the mapping lists. Ids are hashes of the table's content, the mapping's
name and the row's number, so that importing a file twice changes nothing, and nor does correcting a mapping undo what
was imported: give the corrected one another name.
"""

from collections.abc import Iterator
from pathlib import Path

from controlsurface.ingest.files.otlp_files import DEFAULT_FILE_LIMITS, FileLimits
from controlsurface.ingest.table.row_reader import RequestTable, row_batches, row_start_times
from controlsurface.ingest.table.row_spans import rows_to_body
from controlsurface.ingest.table.table_mapping import read_mapping

ROWS_PER_BODY = 2_000  # of one body


def table_bodies(path: Path, mapping: Path | None = None, may: FileLimits = DEFAULT_FILE_LIMITS) -> Iterator[bytes]:
    """Serialised ExportTraceServiceRequests of at most `ROWS_PER_BODY` rows each, in the table's order.

    `mapping` is a file or the name of a shipped one; None is `requests`, for tables whose columns are named like ours.
    Raises NotFound, TooLarge, ConfigError for a mapping that does not fit, BadBody naming row and column of a bad
    value; what came before that row has been yielded.
    """
    rules = read_mapping(mapping or Path("requests"))
    table = RequestTable.opened(path, may)
    for rows in row_batches(table, rules, ROWS_PER_BODY):
        if rows:
            yield rows_to_body(rows, rules, table.digest)


def table_start_times(path: Path, mapping: Path | None = None, may: FileLimits = DEFAULT_FILE_LIMITS) -> Iterator[int]:
    """When the rows of a table began, Unix nanoseconds, without reading all else. Raises as `table_bodies` does."""
    yield from row_start_times(RequestTable.opened(path, may), read_mapping(mapping or Path("requests")))
