"""`controlsurface rollup`: what is kept beside the stored rows so that long windows are answered quickly."""

from contextlib import closing
from pathlib import Path

import click

from controlsurface.cli import output
from controlsurface.cli.options import data_option
from controlsurface.ingest import rolling
from controlsurface.store.duckdb import DuckStore


@click.group()
def command() -> None:
    """Roll-ups. A server keeps them up to date by itself."""


@command.command()
@data_option
def rebuild(data: Path) -> None:
    """Make all roll-ups anew from the stored rows; the server must be stopped."""
    with closing(DuckStore.open(data)) as store:
        buckets = rolling.rebuild(store)
        store.checkpoint()
    output.say(f"controlsurface: rollup: {buckets} buckets", err=True)
