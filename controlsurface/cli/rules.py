"""`controlsurface rules`: check, test, replay and describe rule files."""

from pathlib import Path

import click
import orjson
import pyarrow as pa

from controlsurface.alerting import files, testing
from controlsurface.alerting.reload import places
from controlsurface.alerting.rules import RuleFile
from controlsurface.cli import output
from controlsurface.cli.accept import accept
from controlsurface.cli.options import config_of, json_option
from controlsurface.errors import RulesFailed
from controlsurface.store.duckdb import DuckStore

_FILES = click.argument("paths", nargs=-1, metavar="[FILES]", type=click.Path(path_type=Path))


@click.group("rules", epilog="FILES are rule files or folders of them; without, all rules of the configuration.")
def command() -> None:
    """Alert rules: check, test, replay over what is stored, describe."""


command.add_command(accept)


@command.command()
@_FILES
@json_option
@click.pass_context
def check(context: click.Context, paths: tuple[Path, ...], as_json: bool) -> None:
    """Read rule files and list their rules; every problem is told with its file and line."""
    found = files.load(files.rule_files(_asked(context, paths)))
    rows = [
        {"group": source.group.name, "rule": rule.alert, "kind": rule.kind, "severity": rule.labels.get("severity")}
        for source in found.groups
        for rule in source.group.rules
    ]
    if as_json:
        output.write_json(rows)
    elif rows:
        output.write_table(pa.Table.from_pylist(rows))


@command.command()
@_FILES
@click.pass_context
def test(context: click.Context, paths: tuple[Path, ...]) -> None:
    """Run the tests beside rule files (X.test.yaml beside X.yaml)."""
    failed = done = 0
    store = DuckStore.in_memory()
    try:
        for path in testing.case_files(_asked(context, paths)):
            for result in testing.run(path, store):
                done += 1
                failed += bool(result.failures)
                click.echo(f"{'FAIL' if result.failures else 'ok'}  {result.file}: {result.name}")
                for line in result.failures:
                    click.echo(f"      {line}")
    finally:
        store.close()
    if failed:
        raise RulesFailed(f"{failed} of {done} tests failed")


@command.command()
def schema() -> None:
    """Print the JSON schema of rule files, for editors."""
    click.echo(orjson.dumps(RuleFile.model_json_schema(), option=orjson.OPT_INDENT_2).decode())


def _asked(context: click.Context, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The files and folders named, else those in force."""
    return paths or places(config_of(context)).paths
