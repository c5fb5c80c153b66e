"""The order to copy the database while it is served, how far that is, and its end."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import pyarrow as pa

from controlsurface.client.arrow_tables import MAYBE_TEXT, TIME, column, column_table, columns
from controlsurface.client.query_protocol import (
    NO_ARGUMENTS,
    Command,
    NoArguments,
    PlainQuery,
    ReadEndpoint,
    Result,
    StoreSession,
    WriteEndpoint,
)
from controlsurface.errors import BadRequest
from controlsurface.store.snapshot import SnapshotState, SnapshotTaker

SNAPSHOT_PATH = "/api/v1/snapshot"
_STATE = columns(
    folder=MAYBE_TEXT, asked_at=TIME, bytes=column(pa.int64(), nullable=True, minimum=0), finished_at=TIME,
    problem=MAYBE_TEXT,
)  # fmt: skip


class SnapshotQuery(PlainQuery[Result]):
    """How far the last copy is."""

    endpoint: ClassVar = ReadEndpoint(
        SNAPSHOT_PATH, "snapshot", "How far the copy of the database is", _STATE, form="single"
    )

    def run(self, session: StoreSession) -> Result:
        """One row: folder (of the server's machine), asked_at (NULL: none), bytes, finished_at, problem."""
        state = session.snapshots.state if session.snapshots else None
        return Result(column_table([_row(state)], _STATE))


@dataclass(frozen=True, slots=True)
class TakeSnapshot(Command):
    """Copy the database beside it; spans are taken meanwhile, and stored once it is done."""

    endpoint: ClassVar = WriteEndpoint(
        SNAPSHOT_PATH,
        "take_snapshot",
        "Copy the database into the data directory, in place of the last copy",
        _STATE,
        role="admin",
        status=202,
        problems=("409",),
    )
    body: NoArguments = NO_ARGUMENTS

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Begin. Raises Conflict while one is under way, BadRequest where nothing is on a disk."""
        return _row(_taker(session).begin())


@dataclass(frozen=True, slots=True)
class RemoveSnapshot(Command):
    """Remove the copy: it takes as much room as the database."""

    endpoint: ClassVar = WriteEndpoint(
        SNAPSHOT_PATH,
        "remove_snapshot",
        "Remove the copy of the database from the data directory",
        _STATE,
        method="DELETE",
        role="admin",
        status=200,
        problems=("409",),
    )
    body: NoArguments = NO_ARGUMENTS

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Do so. Raises Conflict while it is being made."""
        _taker(session).remove()
        return _row(None)


def _taker(session: StoreSession) -> SnapshotTaker:
    if session.snapshots is None:
        raise BadRequest("this database is in memory alone: there is nothing to copy")
    return session.snapshots


def _row(state: SnapshotState | None) -> dict[str, Any]:
    if state is None:
        return dict.fromkeys(_STATE.names)
    return asdict(state) | {"folder": str(state.folder)}
