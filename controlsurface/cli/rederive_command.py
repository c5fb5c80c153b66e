"""`controlsurface rederive`: stored rows follow a change of vocabularies, lanes, architectures or `task_types.from`."""

import getpass
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from controlsurface.cli.command_options import DURATION, active_config, data_option, json_option, open_client
from controlsurface.cli.terminal.order_progress import wait_for_order
from controlsurface.cli.terminal.terminal_rows import write_json
from controlsurface.cli.terminal.terminal_text import print_note, print_text
from controlsurface.client import Client
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.ingest_queries import DroppedKeysQuery
from controlsurface.client.queries.lane_queries import LanesQuery
from controlsurface.client.queries.rederivation import RederivationQuery, RederiveCommand, RederiveRequest
from controlsurface.collector.store_owner import store_or_server
from controlsurface.config import Config
from controlsurface.ingest.load.rederive_spans import derivation_fingerprint
from controlsurface.ingest.translate import conventions

_COUNTS = ("spans", "changed", "frozen")


@click.command
@data_option
@click.option("--since", type=DURATION, help="What began so long ago or later.  [default: all that is stored]")
@json_option
def command(data: Path, since: timedelta | None, as_json: bool) -> None:
    """Read stored spans again: stored rows follow vocabularies, lanes, architectures and task_types.from.

    Whole traces, the latest first, a transaction at a time: figures are right in between. A running server does it; a
    restart, here or there, goes on where it was. What the retention has frozen stays as it is.
    """
    with closing(open_client(data)):  # says where nothing is stored
        pass
    config = active_config()
    with _owner(data, config) as reader:
        start = datetime.now(UTC) - since if since else None
        reader.execute(RederiveCommand(RederiveRequest(since=start, who=getpass.getuser())))
        found = wait_for_order(lambda: _state(reader), "spans", "spans")
        dropped = sorted(
            {row["key"] for row in as_dicts(reader.run(DroppedKeysQuery()).rows)}
            & conventions.load_conventions(config).wanted
        )
    _tell(found, dropped)
    if as_json:
        write_json({name: found[name] for name in _COUNTS})
    else:
        print_text(f"{found['spans']:,} spans read again, {found['changed']:,} of them changed")


@contextmanager
def _owner(data: Path, config: Config) -> Iterator[Client]:
    """The server that has the store, and a word where it derives otherwise than the files here say."""
    with store_or_server(data, config, open_client) as reader:
        for what in _outdated_settings(reader, config):
            print_note(
                f"controlsurface: rederive: the running server has other {what} than the files here say; "
                "restart it, and ask again"
            )
        yield reader


def _outdated_settings(reader: Client, config: Config) -> Iterator[str]:
    """What a server derives with otherwise than its files would have it now."""
    if _state(reader)["vocabularies"] != derivation_fingerprint(conventions.load_conventions(config), config):
        yield "vocabularies, architectures or task_types.from"
    there = [(row["name"], set(row["models"])) for row in as_dicts(reader.run(LanesQuery()).rows)]
    if not config.lanes_assumed and there != [(name, set(lane.models)) for name, lane in config.lanes.items()]:
        yield "lanes"


def _state(reader: Client) -> Mapping[str, Any]:
    return as_dicts(reader.run(RederivationQuery()).rows)[0]


def _tell(found: Mapping[str, Any], dropped: Sequence[str]) -> None:
    """What stays as it was: frozen rows, and texts that were dropped when they came."""
    if dropped:
        more = f" and {len(dropped) - 5} more" if len(dropped) > 5 else ""
        print_note(
            f"controlsurface: rederive: texts of {', '.join(dropped[:5])}{more} were dropped when they came "
            "([content]); what they said stays unknown"
        )
    if found["frozen"]:
        print_note(
            f"controlsurface: rederive: {found['frozen']:,} spans stay as they were: the retention has frozen what "
            f"began before {found['frozen_before']:%Y-%m-%d %H:%M} UTC"
        )
