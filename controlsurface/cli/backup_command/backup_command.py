"""`controlsurface backup`: all that is stored, to a folder or bucket, while it is served."""

import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import click

from controlsurface.backup.backup_manifest import BackupManifest, backup_ids, read_manifest
from controlsurface.backup.backup_run import create_backup, prune_backups
from controlsurface.blob_store import BlobStore, open_blobs
from controlsurface.cli.backup_command.backup_options import bytes_progress
from controlsurface.cli.command_options import data_option, json_option, open_client
from controlsurface.cli.terminal.terminal_rows import write_result
from controlsurface.cli.terminal.terminal_text import print_note


@click.command("backup")
@click.argument("to")
@click.option("--keep", type=click.IntRange(1), help="Afterwards remove all but so many, and what only they needed.")
@click.option("--list", "only_list", is_flag=True, help="Show the backups that lie there. Make none.")
@data_option
@json_option
def command(to: str, keep: int | None, only_list: bool, data: Path, as_json: bool) -> None:
    """Copy all that is stored to TO: a folder, or s3://bucket/folder.

    The server goes on: it takes spans while the database is copied beside itself, for which the disk needs room, and
    stores them after that. What lies in TO already is not written again. Give each server a TO of its own, and run one
    backup at a time there.

    An address of a bucket may say `?region=...&endpoint_override=host:port&scheme=https`; credentials are found as AWS
    tools find them.
    """
    blobs = open_blobs(to)
    if only_list:
        _show(blobs, as_json)
        return
    began = time.monotonic()
    with closing(open_client(data)) as client:
        manifest, writer = create_backup(data, client, blobs, partial(bytes_progress, "bytes backed up"))
    gone = prune_backups(blobs, keep) if keep else []
    row = _row(manifest) | {
        "new_chunks": writer.written,
        "new_bytes": writer.written_bytes,
        "seconds": round(time.monotonic() - began, 3),
        "removed": len(gone),
    }
    write_result(row, [row], as_json)


def _show(blobs: BlobStore, as_json: bool) -> None:
    rows = [_row(read_manifest(blobs, each)) for each in backup_ids(blobs)]
    write_result(rows, rows, as_json)
    if not rows:
        print_note(f"controlsurface: backup: {blobs}: nothing lies here")


def _row(manifest: BackupManifest) -> dict[str, Any]:
    totals = manifest.tables
    return {
        "backup": manifest.id,
        "made_at": manifest.made_at,
        "version": manifest.version,
        "files": len(manifest.files),
        "bytes": manifest.size,
        **{name: int(totals.get(name, {}).get("rows", 0)) for name in ("requests", "attempts", "spans")},
    }
