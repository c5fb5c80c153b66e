"""`controlsurface restore`: a backup, back into an empty directory."""

from pathlib import Path

import click

from controlsurface.backup.backup_manifest import find_manifest
from controlsurface.backup.restore_run import restore_backup
from controlsurface.blob_store import open_blobs
from controlsurface.cli.backup_command.backup_options import backup_option, bytes_progress
from controlsurface.cli.command_options import data_option
from controlsurface.cli.terminal.terminal_text import print_note


@click.command("restore")
@click.argument("source", metavar="FROM")
@backup_option
@data_option
def command(source: str, backup: str | None, data: Path) -> None:
    """Bring a backup in FROM back into the data directory, which must be empty or not there.

    Every byte is checked against the backup, and the tables against what they came to when it was made. Cut off, it
    leaves no directory behind. A server that starts there stores what the journal has beyond the database.
    """
    blobs = open_blobs(source)
    manifest = find_manifest(blobs, backup)
    with bytes_progress("bytes restored", manifest.size) as progress:
        restore_backup(blobs, manifest, data.absolute(), progress)
    print_note(f"controlsurface: restore: {data} is as of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC")
