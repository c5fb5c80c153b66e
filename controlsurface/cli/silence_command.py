"""`controlsurface silence`: quiet for a time, on a running server or in the data directory, whichever there is."""

import getpass
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pyarrow as pa

from controlsurface.alerting.delivery import silence_commands
from controlsurface.cli.command_options import DURATION, data_option, json_option, open_client
from controlsurface.cli.terminal.terminal_rows import write_json, write_result
from controlsurface.cli.terminal.terminal_text import print_note, print_text
from controlsurface.config.label_matchers import LabelMatcher, parse_matcher
from controlsurface.errors import BadRequest


@click.group("silence")
def command() -> None:
    """Hold alerts back for a time: by matchers on their labels."""


@command.command()
@click.argument("matchers", nargs=-1, required=True, metavar="MATCHER...")
@data_option
@click.option("--for", "length", type=DURATION, default="2h", show_default=True, help="How long, from now.")
@click.option("--comment", default="", help="Why.")
@click.option("--author", default=getpass.getuser, show_default="you", help="Who.")
@json_option
def add(matchers: tuple[str, ...], data: Path, length: timedelta, comment: str, author: str, as_json: bool) -> None:
    """Silence alerts whose labels match all of MATCHER, such as severity=page or 'lane=~"large|xl"'."""
    now = datetime.now(UTC)
    body = silence_commands.SilenceBody(
        matchers=tuple(map(_body, matchers)), startsAt=now, endsAt=now + length, createdBy=author, comment=comment
    )
    with closing(open_client(data)) as reader:
        made = reader.execute(silence_commands.PutSilence(body))
    if as_json:
        write_json(dict(made))
    else:
        print_text(made["silenceID"])


@command.command("list")
@data_option
@click.option("--all", "everything", is_flag=True, help="Those that have expired too.")
@json_option
def list_(data: Path, everything: bool, as_json: bool) -> None:
    """Silences, the newest first."""
    with closing(open_client(data)) as reader:
        rows = reader.run(silence_commands.SilencesQuery()).rows.to_pylist()
    found = [row for row in rows if everything or row["status"]["state"] != "expired"]
    write_result(found, pa.Table.from_pylist(list(map(_line, found)), _SCHEMA), as_json)


@command.command()
@click.argument("silence_id", metavar="ID")
@data_option
@json_option
def expire(silence_id: str, data: Path, as_json: bool) -> None:
    """End a silence now."""
    with closing(open_client(data)) as reader:
        over = reader.execute(silence_commands.ExpireSilence(silence_id))
    if as_json:
        write_json(dict(over))
    else:
        print_note(f"expired {over['id']}")


def _body(text: str) -> silence_commands.MatcherBody:
    try:
        found = parse_matcher(text)
    except ValueError as problem:
        raise BadRequest(str(problem)) from None
    return silence_commands.MatcherBody(
        name=found.name, value=found.value, isRegex=found.is_regex, isEqual=found.is_equal
    )


def _line(row: dict[str, object]) -> dict[str, object]:
    """A silence as one line."""
    state, matchers = row["status"], row["matchers"]
    assert isinstance(state, dict)  # noqa: S101 - the answer's schema
    assert isinstance(matchers, list)  # noqa: S101 - the answer's schema
    told = " ".join(str(LabelMatcher(m["name"], m["value"], m["isRegex"], m["isEqual"])) for m in matchers)
    about = {"id": row["id"], "state": state["state"], "matchers": told}
    return about | {"ends": row["endsAt"], "author": row["createdBy"], "comment": row["comment"]}


_FIELDS: tuple["pa.Field[Any]", ...] = (
    *(pa.field(name, pa.string()) for name in ("id", "state", "matchers")),
    pa.field("ends", pa.timestamp("us", "UTC")),
    *(pa.field(name, pa.string()) for name in ("author", "comment")),
)
_SCHEMA = pa.schema(_FIELDS)
