"""What arrived: the receivers' counters as people read them, and keys of attributes that nothing reads or keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import pyarrow as pa

from controlsurface.client.query_protocol import (
    NO_ARGUMENTS,
    NoArguments,
    Query,
    ReadEndpoint,
    Result,
    ResultFact,
    StoreSession,
)
from controlsurface.client.result_columns import COUNT, NUMBER, OBJECT, TEXT, TIME, columns
from controlsurface.store.duckdb import DuckStore

_COUNTED = ("received", "accepted", "rejected", "duplicate", "late", "unrecognised")
_KEYS = "SELECT key, n, first_seen, last_seen FROM {} ORDER BY n DESC, key"
_KEY = columns(key=TEXT, n=COUNT, first_seen=TIME, last_seen=TIME)


class Ingest(Result):
    """What happened to everything that was sent. Counts are spans; `counters` holds the receivers' further ones."""

    received, accepted, rejected = ResultFact[int](), ResultFact[int](), ResultFact[int]()
    duplicate, late, unrecognised, pending = ResultFact[int](), ResultFact[int](), ResultFact[int](), ResultFact[int]()
    lag_ms = ResultFact[float]()
    counters = ResultFact[Mapping[str, int]]()

    @property
    def last_accepted_at(self) -> datetime | None:
        """When spans were last accepted."""
        last = self.facts["last_accepted_at"]
        return datetime.fromisoformat(last) if last else None


@dataclass(frozen=True, slots=True)
class IngestQuery(Query[Ingest]):
    """What was received, and how far it is stored."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/ingest",
        "ingest",
        "What was received and how far it is stored",
        facts=columns(
            **dict.fromkeys((*_COUNTED, "pending"), COUNT), lag_ms=NUMBER, last_accepted_at=TIME, counters=OBJECT
        ),
        form="facts",
        arrow=False,
    )
    result: ClassVar = Ingest
    arguments: NoArguments = NO_ARGUMENTS

    def run(self, session: StoreSession) -> Ingest:
        """The live counters of the receivers, or those last stored."""
        return summarise_counters(session.counters())


@dataclass(frozen=True, slots=True)
class UnreadKeysQuery(Query[Result]):
    """Attribute keys that no vocabulary reads: key, n, first_seen, last_seen, most frequent first."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/unrecognised", "unrecognised", "Attributes that no vocabulary reads", _KEY, rows="attributes"
    )
    arguments: NoArguments = NO_ARGUMENTS

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.state(_KEYS.format("attribute_keys")))


@dataclass(frozen=True, slots=True)
class DroppedKeysQuery(Query[Result]):
    """Keys under which content was not stored: key, n (values), first_seen, last_seen, most frequent first."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/dropped", "dropped", "Attributes whose content was not stored", _KEY, rows="attributes"
    )
    arguments: NoArguments = NO_ARGUMENTS

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.state(_KEYS.format("dropped_keys")))


def stored_counters(store: DuckStore) -> dict[str, int]:
    """The counters as of the last batch that was stored."""
    rows = store.state("SELECT name, value FROM ingest_counters").to_pylist()
    return {row["name"]: row["value"] for row in rows}


def summarise_counters(counters: Mapping[str, int]) -> Ingest:
    """What the contract names. Live counters know what is pending and for how long; stored ones know the difference."""
    last_ns = counters.get("last_accepted_ns", 0)
    shown: dict[str, Any] = {name: counters.get(name, 0) for name in _COUNTED}
    last = datetime.fromtimestamp(last_ns / 1e9, UTC).isoformat().replace("+00:00", "Z") if last_ns else None
    shown["pending"] = counters.get("pending", max(0, shown["accepted"] - counters.get("stored", 0)))
    shown |= {"lag_ms": float(counters.get("lag_ms", 0)), "last_accepted_at": last}
    shown["counters"] = {
        name: value for name, value in counters.items() if name not in {*_COUNTED, "pending", "lag_ms"}
    }
    return Ingest(pa.table({}), shown)
