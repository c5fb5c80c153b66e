"""`controlsurface verify`: proves that backups can be brought back."""

import click

from controlsurface.backup.backup_manifest import backup_ids, find_manifest
from controlsurface.backup.restore_run import verify_backups
from controlsurface.blob_store import open_blobs
from controlsurface.cli.backup_command.backup_options import backup_option, bytes_progress
from controlsurface.cli.terminal.terminal_text import print_note
from controlsurface.errors import StoreError


@click.command("verify")
@click.argument("source", metavar="FROM")
@backup_option
def command(source: str, backup: str | None) -> None:
    """Restore a backup in FROM for a trial, open and compare it, and read every piece that the others need."""
    blobs = open_blobs(source)
    manifest = find_manifest(blobs, backup)
    with bytes_progress("bytes verified", manifest.size) as progress:
        problems = verify_backups(blobs, manifest, progress)
    if problems:
        raise StoreError("\n".join(problems))
    n = len(backup_ids(blobs))
    print_note(f"controlsurface: verify: {manifest.id} was restored and is equal; every piece of all {n} is sound")
