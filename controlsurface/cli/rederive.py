"""`controlsurface rederive`: stored rows follow a change of vocabularies, of lanes or of `task_types.from`."""

import getpass
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from controlsurface.cli import output
from controlsurface.cli.options import DURATION, config_of, data_option, json_option, reader_of
from controlsurface.collector.addresses import found_in
from controlsurface.collector.engine import running
from controlsurface.config import Config
from controlsurface.errors import Busy
from controlsurface.ingest import conventions
from controlsurface.ingest.rederive import fingerprint
from controlsurface.reader import Reader
from controlsurface.reader.ingest import DroppedKeysQuery
from controlsurface.reader.lanes import LanesQuery
from controlsurface.reader.rederiving import Rederive, RederiveWish, Rederiving
from controlsurface.reader.rows import records

POLL_S = 0.2
PATIENCE_S = 120  # with a server that reads nothing
_SHOWN = ("spans", "changed", "frozen")


@click.command
@data_option
@click.option("--since", type=DURATION, help="What began so long ago or later.  [default: all that is stored]")
@json_option
@click.pass_context
def command(context: click.Context, data: Path, since: timedelta | None, as_json: bool) -> None:
    """Read stored spans again: after a change of vocabularies, lanes or task_types.from, stored rows follow.

    Whole traces, the latest first, a transaction at a time: figures are right in between. A running server does it; a
    restart, here or there, goes on where it was. What the retention has frozen stays as it is.
    """
    with closing(reader_of(data, context)):  # says where nothing is stored
        pass
    config = config_of(context)
    with _owner(data, config, context) as reader:
        start = datetime.now(UTC) - since if since else None
        reader.do(Rederive(RederiveWish(since=start, who=getpass.getuser())))
        found = _followed(reader)
        dropped = sorted(
            {row["key"] for row in records(reader.ask(DroppedKeysQuery()).rows)} & conventions.load(config).wanted
        )
    _tell(found, dropped)
    if as_json:
        output.write_json({name: found[name] for name in _SHOWN})
    else:
        output.say(f"{found['spans']:,} spans read again, {found['changed']:,} of them changed")


@contextmanager
def _owner(data: Path, config: Config, context: click.Context) -> Iterator[Reader]:
    """The server that has the store; without one, its parts in this process."""
    if not found_in(data):
        with running(data, config) as engine:
            yield engine.reader()
        return
    with closing(reader_of(data, context)) as reader:
        for what in _stale(reader, config):
            output.say(
                f"controlsurface: rederive: the running server has other {what} than the files here say; "
                "restart it, and ask again",
                err=True,
            )
        yield reader


def _stale(reader: Reader, config: Config) -> Iterator[str]:
    """What a server derives with otherwise than its files would have it now."""
    if _state(reader)["vocabularies"] != fingerprint(conventions.load(config), config):
        yield "vocabularies or task_types.from"
    there = [(row["name"], set(row["models"])) for row in records(reader.ask(LanesQuery()).rows)]
    if not config.lanes_assumed and there != [(name, set(lane.models)) for name, lane in config.lanes.items()]:
        yield "lanes"


def _followed(reader: Reader) -> Mapping[str, Any]:
    """The state once it is done, with its progress on a terminal. Raises Busy where nothing moves, or it failed."""
    state = _state(reader)
    with click.progressbar(length=max(state["spans"], 1), file=sys.stderr, label="spans") as bar:
        moved_at = time.monotonic()
        while not state["finished_at"]:
            time.sleep(POLL_S)
            before, state = state, _state(reader)
            bar.update(state["done"] - before["done"])
            if state["done"] != before["done"]:
                moved_at = time.monotonic()
            elif time.monotonic() - moved_at > PATIENCE_S:
                raise Busy("no span was read for two minutes; ask again later, it goes on where it is")
    if state["problem"]:
        raise Busy(f"ended after {state['done']:,} of {state['spans']:,} spans: {state['problem']}")
    return state


def _state(reader: Reader) -> Mapping[str, Any]:
    return records(reader.ask(Rederiving()).rows)[0]


def _tell(found: Mapping[str, Any], dropped: Sequence[str]) -> None:
    """What stays as it was: frozen rows, and texts that were dropped when they came."""
    if dropped:
        more = f" and {len(dropped) - 5} more" if len(dropped) > 5 else ""
        output.say(
            f"controlsurface: rederive: texts of {', '.join(dropped[:5])}{more} were dropped when they came "
            "([content]); what they said stays unknown",
            err=True,
        )
    if found["frozen"]:
        output.say(
            f"controlsurface: rederive: {found['frozen']:,} spans stay as they were: the retention has frozen what "
            f"began before {found['frozen_before']:%Y-%m-%d %H:%M} UTC",
            err=True,
        )
