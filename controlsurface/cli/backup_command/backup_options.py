"""What the commands about backups share."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click


def backup_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--backup ID`."""
    return click.option("--backup", help="Its id, as `backup --list` says.  [default: the newest]")(command)


@contextmanager
def bytes_progress(label: str, size: int) -> Iterator[Callable[[int], None]]:
    """A bar on the terminal, to be told of bytes."""
    with click.progressbar(length=max(size, 1), file=sys.stderr, label=label) as bar:
        yield bar.update
