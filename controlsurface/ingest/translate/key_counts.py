"""Lists of attribute keys with counts: those that no vocabulary reads, and those under which content was dropped."""

from collections.abc import Mapping
from typing import Literal

import pyarrow as pa

from controlsurface.store.duckdb import WriteTransaction

MAX_COUNTED_KEYS = 10_000  # distinct keys that are listed; more are counted together
OTHER_KEYS = "(other)"

_MERGE = """
MERGE INTO {table} AS known USING met ON known.key = met.key
WHEN MATCHED THEN UPDATE SET n = known.n + met.n, last_seen = met.seen
WHEN NOT MATCHED THEN INSERT (key, n, first_seen, last_seen) VALUES (met.key, met.n, met.seen, met.seen)
"""


def add_key_counts(
    writing: WriteTransaction, table: Literal["attribute_keys", "dropped_keys"], met: Mapping[str, int]
) -> None:
    """Add to the counts of keys."""
    if not met:
        return
    known = set(writing.rows(f"SELECT key FROM {table}")["key"].to_pylist())
    room = MAX_COUNTED_KEYS - len(known)
    counts: dict[str, int] = {}
    for key, n in met.items():
        if key not in known:
            room -= 1
        name = key if key in known or room >= 0 else OTHER_KEYS
        counts[name] = counts.get(name, 0) + n
    writing.attach("counted", pa.table({"key": list(counts), "n": list(counts.values())}))
    writing.materialize("met", "SELECT key, n, CAST(now() AS TIMESTAMP) AS seen FROM counted")
    writing.execute(_MERGE.format(table=table))
