"""The receivers' counters as people read them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from controlsurface.reader.reader import Ingest
from controlsurface.store.duckdb import DuckStore

_SHOWN = ("received", "accepted", "rejected", "duplicate", "late", "unrecognised")


def stored_counters(store: DuckStore) -> dict[str, int]:
    """The counters as of the last batch that was stored."""
    rows = store.rows("SELECT name, value FROM ingest_counters").to_pylist()
    return {row["name"]: row["value"] for row in rows}


def summary(counters: Mapping[str, int]) -> Ingest:
    """What the contract names, worked out from `counters`.

    `pending` spans are answered for but not visible yet; `lag_ms` is how far the newest visible one is behind the
    newest accepted one by time of receipt, 0 when nothing is pending.
    """
    pending = max(0, counters.get("accepted", 0) - counters.get("stored", 0))
    last, stored = counters.get("last_accepted_ns", 0), counters.get("last_stored_received_ns", 0)
    return Ingest(
        **{name: counters.get(name, 0) for name in _SHOWN},
        pending=pending,
        lag_ms=max(0.0, (last - stored) / 1e6) if pending and stored else 0.0,
        last_accepted_at=datetime.fromtimestamp(last / 1e9, UTC) if last else None,
        counters={name: value for name, value in counters.items() if name not in _SHOWN},
    )
