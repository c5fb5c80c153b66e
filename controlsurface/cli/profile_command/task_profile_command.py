"""`controlsurface task-profile`: what each task type is, by people's word and by traffic; set, hand over, read back."""

import getpass
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from controlsurface.cli.command_options import data_option, open_client
from controlsurface.cli.terminal.terminal_rows import (
    OUTPUT_FORMATS,
    write_answer,
    write_document,
    write_json,
)
from controlsurface.cli.terminal.terminal_text import print_note
from controlsurface.client import Client
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.task_profile.profile_command import SetTaskProfileCommand
from controlsurface.client.task_profile.profile_entry import STATED_FIELDS, TaskProfileChange, TaskProfileEntry
from controlsurface.client.task_profile.profile_queries import (
    TaskProfileHistoryArgs,
    TaskProfileHistoryQuery,
    TaskProfileQuery,
)
from controlsurface.errors import NotFound
from controlsurface.export.task_profile_document import (
    DOCUMENT_FIELDS,
    changed_entries,
    markdown_table,
    read_profiles,
    stated_csv,
    stated_rows,
)
from controlsurface.query.arguments import WeekRange

Command = Callable[..., Any]
_SHOWN = (*DOCUMENT_FIELDS, "requests", "input_p50", "input_p95", "version", "who")

since_option = click.option(
    "--since", default="7d", show_default=True, metavar="DURATION", help="Traffic from so long ago until now."
)
who_option = click.option("--who", default=getpass.getuser, show_default="your user name", help="Who says so.")
why_option = click.option("--why", default="", help="A sentence for those who will wonder.")
format_option = click.option("--format", "form", type=click.Choice(OUTPUT_FORMATS), default="table", show_default=True)


@click.group("task-profile")
def command() -> None:
    """What each task type is: what an answer must be, what a wrong one does, its lane, its owner."""


@command.command("show")
@since_option
@format_option
@data_option
def show_task_profiles(since: str, form: str, data: Path) -> None:
    """Every task type, with what its traffic is like; what nobody said is filled from traffic, and said so."""
    asked = _asked(since)
    with closing(open_client(data)) as reader:
        write_answer(asked, reader.run(asked), form, [*_SHOWN, "from_traffic"])


@command.command("history")
@click.option("--task-type", default="", help="Only of this one.")
@format_option
@data_option
def list_profile_versions(task_type: str, form: str, data: Path) -> None:
    """Every version, the newest first."""
    asked = TaskProfileHistoryQuery(TaskProfileHistoryArgs(task_type=task_type))
    with closing(open_client(data)) as reader:
        write_answer(asked, reader.run(asked), form)


def _stated_options(command: Command) -> Command:
    """An option for each field."""
    told = {name: field.description for name, field in TaskProfileEntry.model_fields.items()}
    for name in reversed(STATED_FIELDS):
        text = f"{str(told[name]).capitalize()}; '' takes it back."
        command = click.option(f"--{name.replace('_', '-')}", name, help=text)(command)
    return command


@command.command("set")
@click.argument("task_type")
@_stated_options
@who_option
@why_option
@data_option
def set_task_profile(task_type: str, who: str, why: str, data: Path, **said: str | None) -> None:
    """Describe TASK_TYPE; what no option names stays as it was."""
    with closing(open_client(data)) as reader:
        known = next((row for row in _rows(reader) if row["task_type"] == task_type), None)
        (before,) = stated_rows([known]) if known else ({},)
        given = {name: value for name, value in said.items() if value is not None}
        rests_on = known["version"] if known else 0
        entry = TaskProfileEntry.model_validate({**before, **given, "task_type": task_type, "rests_on": rests_on})
        write_json(_change(reader, [entry], who, why))


@command.command("remove")
@click.argument("task_type")
@who_option
@why_option
@data_option
def remove_task_profile(task_type: str, who: str, why: str, data: Path) -> None:
    """Take back all that was said of TASK_TYPE; its history stays."""
    with closing(open_client(data)) as reader:
        row = next((row for row in _rows(reader) if row["task_type"] == task_type and row["version"]), None)
        if row is None:
            raise NotFound(f"nobody described '{task_type}'; `controlsurface task-profile show` lists them")
        write_json(
            _change(reader, [TaskProfileEntry(task_type=task_type, rests_on=row["version"], removed=True)], who, why)
        )


@command.command("export")
@click.option("--format", "form", type=click.Choice(["csv", "json", "markdown"]), default="csv", show_default=True)
@since_option
@data_option
def export_task_profiles(form: str, since: str, data: Path) -> None:
    """What people said, for `import` (csv, json); or all of it as a table in Markdown."""
    with closing(open_client(data)) as reader:
        rows = _rows(reader, since)
    if form == "markdown":
        write_document(markdown_table(rows))
    elif form == "json":
        write_json(stated_rows(rows))
    else:
        write_document(stated_csv(rows))


@command.command("import")
@click.argument("file", type=click.File("rb"))
@who_option
@why_option
@data_option
def import_task_profiles(file: Any, who: str, why: str, data: Path) -> None:
    """Describe the task types in FILE (CSV or JSON, as `export` writes them); rows that say nothing new are left."""
    entries = read_profiles(file.read(), file.name)
    with closing(open_client(data)) as reader:
        changed = changed_entries(entries, _rows(reader))
        if changed:
            _change(reader, changed, who, why)
    print_note(f"controlsurface: task-profile: {len(changed)} of {len(entries)} changed")


def _asked(since: str) -> TaskProfileQuery:
    return TaskProfileQuery(WeekRange.model_validate({"start": f"-{since.lstrip('-')}"}))


def _rows(reader: Client, since: str = "7d") -> list[dict[str, Any]]:
    return as_dicts(reader.run(_asked(since)).rows)


def _change(reader: Client, entries: Sequence[TaskProfileEntry], who: str, why: str) -> Any:
    return reader.execute(SetTaskProfileCommand(TaskProfileChange(profiles=tuple(entries), who=who, why=why)))
