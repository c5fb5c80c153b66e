"""`controlsurface import`: files into the store, whoever owns it."""

import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import get_args

import click

from controlsurface.cli.command_options import active_config, data_option, json_option
from controlsurface.cli.terminal.terminal_rows import write_result
from controlsurface.cli.terminal.terminal_text import print_note
from controlsurface.collector.import_target import ImportTarget, open_import_target
from controlsurface.config import Config
from controlsurface.errors import BadBody, BadRequest, ConfigError, NotFound, TooLarge
from controlsurface.ingest import table
from controlsurface.ingest.files import otlp_files
from controlsurface.ingest.files.otlp_files import FileBody, FileFormat, FileLimits
from controlsurface.ingest.files.span_ages import (
    RetentionWindow,
    SpanAges,
    count_span_ages,
    span_age_warning,
    span_start_times,
)
from controlsurface.ingest.limits import BodyLimits
from controlsurface.ingest.wire.otlp_request import RequestBody
from controlsurface.store.duckdb import DuckStore
from controlsurface.store.store_salvage import salvage_store

_FILE_TYPE = click.Path(dir_okay=False, path_type=Path)


@dataclass(slots=True)
class ImportSummary:
    """What became of all files; items are spans, log records and data points."""

    accepted: int = 0
    rejected: int = 0
    spans: int = 0
    duplicates: int = 0
    expired: int = 0
    problems: int = 0

    def tell(self, text: str) -> None:
        """A problem that stops nothing but its own body."""
        self.problems += 1
        print_note(f"controlsurface: error: {text}")


@click.command("import")
@click.argument("paths", nargs=-1, type=_FILE_TYPE, metavar="FILE...")
@data_option
@click.option("--format", "form", type=click.Choice(get_args(FileFormat)), help="[default: told by the content]")
@click.option("--anyway", is_flag=True, help="Bring in what is older than rows are kept, too.")
@click.option(
    "--from-store", "old", type=_FILE_TYPE, help="A store's file: bring what people did, where it can be read."
)
@click.option(
    "--mapping", type=_FILE_TYPE, help="TOML that says which column of a table is what, or a shipped one by name."
)
@json_option
def command(
    paths: tuple[Path, ...],
    data: Path,
    form: FileFormat | None,
    anyway: bool,
    old: Path | None,
    mapping: Path | None,
    as_json: bool,
) -> int:
    """OTLP bodies (protobuf or JSON), the Collector's JSON lines, tables (CSV, Parquet); gzipped or not.

    What is known already is not stored twice. A bad file is named and leaves the others alone; the exit code is then 5.
    Where rows are older than they are kept ([retention]), nothing is stored; the exit code is then 2.

    With --from-store and no FILE: audit labels, policies, sampling plans, silences, events, alert history and exports
    of a store that is damaged or another version's. No server may run on the data directory meanwhile.
    """
    if bool(old) == bool(paths):
        raise click.UsageError("name files, or a store with --from-store")
    if old:
        return _salvage(old, data, as_json)
    config, tally = active_config(), ImportSummary()
    with open_import_target(data, config) as way:
        if not anyway:
            _refuse_expired(way.keeps(), paths, form, mapping, config)
        with click.progressbar(paths, file=sys.stderr, item_show_func=_shown) as bar:
            for path in bar:
                _bring(way, path, form, mapping, config, tally)
        tally.duplicates, tally.expired = way.settle()
    row = {name: getattr(tally, name) for name in ("accepted", "rejected", "duplicates", "problems")}
    write_result(row, [row], as_json)
    print_note(f"controlsurface: import: {_summary(tally, len(paths))}")
    return BadBody.exit_code if tally.problems else 0


def _salvage(old: Path, data: Path, as_json: bool) -> int:
    """What people did, from another store's file."""
    with closing(DuckStore.open(data)) as store:
        found = salvage_store(old, store)
    rows = [asdict(each) for each in found]
    write_result(rows, rows, as_json)
    brought, lost = sum(each.brought for each in found), [each for each in found if each.problem]
    print_note(f"controlsurface: import: {_number(brought, 'row')} brought from {old}")
    for each in lost:
        print_note(f"controlsurface: error: {old}: {each.table}: {each.problem}")
    return BadBody.exit_code if lost else 0


def _refuse_expired(
    keeps: RetentionWindow, paths: tuple[Path, ...], form: FileFormat | None, mapping: Path | None, config: Config
) -> None:
    """Raises BadRequest where rows would be gone within the hour. What cannot be read is left to be told later."""
    now = datetime.now(UTC)
    before, said, all_ = keeps.before(now), [], SpanAges()
    for path in paths:
        with suppress(BadBody, NotFound, ConfigError, TooLarge):
            found, what = _ages(path, form or otlp_files.detect_format(path), mapping, before, config)
            if found.old:
                said.append(f"{path}: {span_age_warning(found, what)}")
            all_ += found
    if said:
        rest = f" ({len(said) - 3} more files)" if len(said) > 3 else ""
        kept = f"hourly figures are kept for {keeps.retention.rollups.days} days (retention.rollups)"
        raise BadRequest(
            f"{'; '.join(said[:3])}{rest}; nothing was stored: {keeps.advice(all_, now)}, "
            f"or say --anyway: rows go within the hour, {kept}"
        )


def _ages(path: Path, form: FileFormat, mapping: Path | None, before: datetime, config: Config) -> tuple[SpanAges, str]:
    """How old the rows of a table are, or the spans of another file."""
    may, limits = FileLimits.of(config), BodyLimits.of(config.receiver)
    if form == "table":
        return count_span_ages(table.table_start_times(path, mapping, may), before), "rows"
    bodies = (found for found in otlp_files.file_bodies(path, form, may, limits) if not isinstance(found, BadBody))
    return count_span_ages(chain.from_iterable(map(span_start_times, bodies)), before), "spans"


def _bring(
    way: ImportTarget, path: Path, form: FileFormat | None, mapping: Path | None, config: Config, tally: ImportSummary
) -> None:
    """All bodies of one file; what is wrong with one is told with its place."""
    try:
        for found in _bodies_in_file(path, form or otlp_files.detect_format(path), mapping, config):
            if isinstance(found, BadBody):
                tally.tell(str(found))
            else:
                _take(way, found, config, tally)
    except (BadBody, NotFound, ConfigError, TooLarge) as problem:
        tally.tell(str(problem))


def _bodies_in_file(path: Path, form: FileFormat, mapping: Path | None, config: Config) -> Iterator[FileBody | BadBody]:
    may = FileLimits.of(config)
    if form != "table":
        yield from otlp_files.file_bodies(path, form, may, BodyLimits.of(config.receiver))
        return
    for number, payload in enumerate(table.table_bodies(path, mapping, may), 1):
        yield FileBody("traces", "protobuf", payload, f"{path}: part {number}")


def _take(way: ImportTarget, found: FileBody, config: Config, tally: ImportSummary) -> None:
    """One body into the store."""
    limit = config.receiver.max_http_body
    try:
        checked = way.take(RequestBody(found.signal, found.payload, found.encoding, limit=limit))
    except (BadBody, TooLarge) as problem:
        tally.tell(f"{found.place}: {problem}")
        return
    tally.accepted += checked.accepted
    tally.spans += checked.accepted if found.signal == "traces" else 0
    tally.rejected += checked.rejected
    if checked.message:
        print_note(f"controlsurface: {found.place}: {checked.message}")


def _shown(path: Path | None) -> str | None:
    return path.name if path else None


def _summary(tally: ImportSummary, files: int) -> str:
    """What happened, in a line."""
    stored = max(0, tally.spans - tally.duplicates - tally.expired)
    said = f"{_number(files, 'file')}, {_number(stored, 'span')} stored, {tally.duplicates} known before"
    late = f", {tally.expired} older than what is kept ([retention])" if tally.expired else ""
    return f"{said}{late}, {tally.problems} bad"


def _number(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
