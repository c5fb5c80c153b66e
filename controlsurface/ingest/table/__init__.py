"""Tables of requests (CSV, Parquet) as OTLP bodies in our own vocabulary, by a mapping that says which column is what.

One row is one request with the attempts that the mapping lists. Ids are hashes of the table's content, the mapping's
name and the row's number, so that importing a file twice changes nothing, and nor does correcting a mapping undo what
was imported: give the corrected one another name.
"""

from collections.abc import Iterator
from pathlib import Path

from controlsurface.ingest.limits.stream import FILE_DEFAULTS, FileLimits
from controlsurface.ingest.table.mapping import Mapping, read_mapping
from controlsurface.ingest.table.reading import Table, batches
from controlsurface.ingest.table.reading import starts as row_starts
from controlsurface.ingest.table.spans import body

__all__ = ["Mapping", "bodies", "read_mapping", "starts"]

ROWS = 2_000  # of one body


def bodies(path: Path, mapping: Path | None = None, may: FileLimits = FILE_DEFAULTS) -> Iterator[bytes]:
    """Serialised ExportTraceServiceRequests of at most `ROWS` rows each, in the table's order.

    `mapping` is a file or the name of a shipped one; None is `requests`, for tables whose columns are named like ours.
    Raises NotFound, TooLarge, ConfigError for a mapping that does not fit, BadBody naming row and column of a bad
    value; what came before that row has been yielded.
    """
    rules = read_mapping(mapping or Path("requests"))
    table = Table.opened(path, may)
    for rows in batches(table, rules, ROWS):
        if rows:
            yield body(rows, rules, table.digest)


def starts(path: Path, mapping: Path | None = None, may: FileLimits = FILE_DEFAULTS) -> Iterator[int]:
    """When the rows of a table began, Unix nanoseconds, without reading anything else. Raises as `bodies` does."""
    yield from row_starts(Table.opened(path, may), read_mapping(mapping or Path("requests")))
