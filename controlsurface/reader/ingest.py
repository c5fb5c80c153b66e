"""The receivers' counters as people read them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from controlsurface.reader.reader import Ingest
from controlsurface.store.duckdb import DuckStore

_COUNTED = ("received", "accepted", "rejected", "duplicate", "late", "unrecognised")


def stored_counters(store: DuckStore) -> dict[str, int]:
    """The counters as of the last batch that was stored."""
    rows = store.state("SELECT name, value FROM ingest_counters").to_pylist()
    return {row["name"]: row["value"] for row in rows}


def summary(counters: Mapping[str, int]) -> Ingest:
    """What the contract names. Live counters know what is pending and for how long; stored ones know the difference."""
    last_ns = counters.get("last_accepted_ns", 0)
    shown: dict[str, int] = {name: counters.get(name, 0) for name in _COUNTED}
    return Ingest(
        **shown,
        pending=counters.get("pending", max(0, shown["accepted"] - counters.get("stored", 0))),
        lag_ms=float(counters.get("lag_ms", 0)),
        last_accepted_at=datetime.fromtimestamp(last_ns / 1e9, UTC) if last_ns else None,
        counters={name: value for name, value in counters.items() if name not in {*_COUNTED, "pending", "lag_ms"}},
    )
