"""`controlsurface incident`: time that people spend on the router, by a timer, told, or from a file."""

import getpass
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
import orjson
import polars as pl

from controlsurface.cli.command_options import data_option, open_client, parse_filter
from controlsurface.cli.costs_command import format_option, since_option
from controlsurface.cli.terminal.terminal_rows import write_answer
from controlsurface.cli.terminal.terminal_text import print_note, print_text
from controlsurface.client.queries.costs.incidents import (
    DeleteIncident,
    EndBody,
    EndIncident,
    IncidentBody,
    IncidentsArgs,
    IncidentsQuery,
    RecordIncident,
)
from controlsurface.client.query_protocol import Command
from controlsurface.errors import BadRequest, ControlSurfaceError

FILE_COLUMNS = tuple("started_at ended_at minutes people team note alert slice recorded_by".split())
_SLICE_SEPARATOR = ";"
_SHOWN = tuple("incident_id started_at ended_at minutes people team alert note".split())

note_option = click.option("--note", default="", help="What it was.")
people_option = click.option("--people", type=click.IntRange(1, 1000), help="Engineers at work on it.  [default: 1]")
team_option = click.option("--team", help="Whose time it is, for its hourly rate.")
alert_option = click.option("--alert", help="The rule that told of it.")
about_option = click.option("--about", multiple=True, metavar="K=V", help="What it was about; repeat.")


@click.group("incident")
def command() -> None:
    """Time that people spend on the router; `costs control` adds it to what calls cost."""


@command.command()
@note_option
@people_option
@team_option
@alert_option
@about_option
@data_option
def start(
    note: str, people: int | None, team: str | None, alert: str | None, about: tuple[str, ...], data: Path
) -> None:
    """Start a timer, and print its ID."""
    _record(data, note=note, people=people or 1, team=team, alert=alert, slice=[*map(parse_filter, about)])


@command.command()
@click.argument("minutes", type=click.FloatRange(0))
@click.option("--at", metavar="TIME", default="now", show_default=True, help="When it began.")
@note_option
@people_option
@team_option
@alert_option
@about_option
@data_option
def add(
    minutes: float,
    at: str,
    note: str,
    people: int | None,
    team: str | None,
    alert: str | None,
    about: tuple[str, ...],
    data: Path,
) -> None:
    """Tell of MINUTES that were spent, of all engineers together."""
    about_what = [*map(parse_filter, about)]
    _record(
        data, minutes=minutes, started_at=at, note=note, people=people or 1, team=team, alert=alert, slice=about_what
    )


@command.command()
@click.argument("incident_id", metavar="ID")
@click.option("--minutes", type=click.FloatRange(0), help="Of all engineers together, where it is not the whole time.")
@click.option("--note", help="What it was.")
@people_option
@data_option
def stop(incident_id: str, minutes: float | None, note: str | None, people: int | None, data: Path) -> None:
    """Stop a timer."""
    done = _run(data, EndIncident(incident_id, EndBody(minutes=minutes, note=note, people=people)))
    print_note(f"stopped {done['incident_id']}")


@command.command()
@click.argument("incident_id", metavar="ID")
@data_option
def delete(incident_id: str, data: Path) -> None:
    """Forget an incident."""
    print_note(f"forgotten {_run(data, DeleteIncident(incident_id))['incident_id']}")


@command.command("list")
@since_option
@data_option
@format_option
def list_(since: timedelta, data: Path, form: str) -> None:
    """Incidents that began so long ago or later, the newest first."""
    asked = IncidentsQuery(IncidentsArgs.model_validate({"start": f"-{int(since.total_seconds())}s", "end": None}))
    with closing(open_client(data)) as reader:
        write_answer(asked, reader.run(asked), form, _SHOWN)


@command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
def import_(file: Path, data: Path) -> None:
    """Incidents of a CSV file, from a pager or a ticket system; importing a row again adds nothing.

    Columns: started_at; ended_at or minutes; and if there are any people, team, note, alert, recorded_by and slice
    (dimension:value, separated by semicolons).
    """
    bodies = list(_file_rows(file))
    with closing(open_client(data)) as reader:
        for body in bodies:
            reader.execute(RecordIncident(body))
    print_note(f"{len(bodies)} incidents")


def _file_rows(file: Path) -> list[IncidentBody]:
    """The rows of a file. Raises BadRequest naming the line."""
    try:
        table = pl.read_csv(file, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise BadRequest(f"{file}: {str(problem).splitlines()[0]}") from None
    if strange := [name for name in table.columns if name not in FILE_COLUMNS]:
        raise BadRequest(f"{file}: no column '{strange[0]}' of incidents; there are {', '.join(FILE_COLUMNS)}")
    if "started_at" not in table.columns:
        raise BadRequest(f"{file}: no column 'started_at'")
    found = []
    for line, row in enumerate(table.iter_rows(named=True), 2):
        told = {name: value for name, value in row.items() if value not in {None, ""}}
        try:
            found.append(_body(told))
        except ControlSurfaceError as problem:
            raise BadRequest(f"{file}:{line}: {problem}") from None
    return found


def _body(told: Mapping[str, str]) -> IncidentBody:
    """The incident of a row, under an id that is made of it. Raises BadRequest."""
    if "started_at" not in told:
        raise BadRequest("no started_at")
    if not told.keys() & {"ended_at", "minutes"}:
        raise BadRequest("neither ended_at nor minutes")
    digest = sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    numbers = {name: _number(name, told[name]) for name in ("minutes", "people") if name in told}
    slices = [each.strip() for each in told.get("slice", "").split(_SLICE_SEPARATOR) if each.strip()]
    return IncidentBody.model_validate({**told, **numbers, "slice": slices, "incident_id": digest})


def _number(name: str, text: str) -> float:
    try:
        found = float(text)
        return int(found) if found.is_integer() else found
    except ValueError:
        raise BadRequest(f"{name}: '{text[:40]}' is no number") from None


def _record(data: Path, **told: Any) -> None:
    made = _run(data, RecordIncident(IncidentBody.model_validate(told | {"recorded_by": getpass.getuser()})))
    print_text(made["incident_id"])


def _run(data: Path, asked: Command) -> Mapping[str, Any]:
    with closing(open_client(data)) as reader:
        return reader.execute(asked)
