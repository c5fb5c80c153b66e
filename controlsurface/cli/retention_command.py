"""`controlsurface retention`: how long things are kept, what would go, and let it go now."""

import getpass
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from controlsurface.cli.command_options import active_config, data_option, json_option, open_client
from controlsurface.cli.terminal.terminal_rows import write_result
from controlsurface.cli.terminal.terminal_text import print_note
from controlsurface.client import Client, RemoteClient
from controlsurface.client.queries import retention_status
from controlsurface.config import Config
from controlsurface.errors import Busy
from controlsurface.maintenance.retention_worker import apply_retention
from controlsurface.store.duckdb import DuckStore

POLL_S, SERVER_TIMEOUT_S = 0.25, 600  # with a server that removes, a little at a time
_COLUMNS = ["table", "kind", "rows", "oldest", "too_old", "bytes", "removed"]


@click.group("retention")
def command() -> None:
    """How long things are kept: show it, and apply now what a server applies by the hour."""


@command.command()
@data_option
@json_option
def show(data: Path, as_json: bool) -> None:
    """What is kept, how old it is and what of it is too old."""
    with closing(open_client(data)) as reader:
        _print(_retention_rows(reader), as_json)


@command.command()
@data_option
@click.option("--dry-run", is_flag=True, help="Show what would go: rows, the oldest, bytes. Remove nothing.")
@json_option
def apply(data: Path, dry_run: bool, as_json: bool) -> None:
    """Remove what is too old, and say what went.

    Bytes are those of the whole table in the file. What goes makes room there for what comes; the file itself gets
    shorter only where its end is free.
    """
    with closing(open_client(data)) as reader:
        served = isinstance(reader, RemoteClient)
        before = _retention_rows(reader)
        after = _apply_by_server(reader) if served and not dry_run else before
    if not served and not dry_run:
        after = _apply_locally(data, active_config())
    gone = [row | {"removed": row["removed"] - known["removed"]} for known, row in zip(before, after, strict=True)]
    _print([row for row in gone if row["too_old" if dry_run else "removed"]], as_json)


def _retention_rows(reader: Client) -> list[dict[str, Any]]:
    """One row a table."""
    return reader.run(retention_status.RetentionQuery()).rows.select(_COLUMNS).to_pylist()


def _apply_by_server(reader: Client) -> list[dict[str, Any]]:
    """What is kept once the server has done it. Raises Busy."""
    reader.execute(
        retention_status.ApplyRetentionCommand(retention_status.ApplyRetentionRequest(who=getpass.getuser()))
    )
    until = time.monotonic() + SERVER_TIMEOUT_S
    while reader.run(retention_status.RetentionQuery()).facts["asked"]:
        if time.monotonic() > until:
            raise Busy("the server is still at it; `controlsurface retention show` says how far it is")
        time.sleep(POLL_S)
    return _retention_rows(reader)


def _apply_locally(data: Path, config: Config) -> list[dict[str, Any]]:
    """What is kept once we have done it ourselves."""
    with closing(DuckStore.open(data)) as store:
        apply_retention(store, config)
    with closing(open_client(data)) as reader:
        return _retention_rows(reader)


def _print(rows: list[dict[str, Any]], as_json: bool) -> None:
    if rows or as_json:
        write_result(rows, rows, as_json)
    else:
        print_note("controlsurface: retention: nothing")
