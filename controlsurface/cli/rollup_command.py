"""`controlsurface rollup`: what is kept beside the stored rows so that long windows are answered quickly."""

from contextlib import closing
from pathlib import Path

import click

from controlsurface.cli.command_options import data_option
from controlsurface.cli.terminal.terminal_text import print_note
from controlsurface.maintenance import rollup_worker
from controlsurface.store.duckdb import DuckStore


@click.group()
def command() -> None:
    """Roll-ups. A server keeps them up to date by itself."""


@command.command()
@data_option
def rebuild(data: Path) -> None:
    """Make all roll-ups anew from the stored rows; the server must be stopped."""
    with closing(DuckStore.open(data)) as store:
        buckets = rollup_worker.rebuild_rollups(store)
        store.checkpoint()
    print_note(f"controlsurface: rollup: {buckets} buckets")
