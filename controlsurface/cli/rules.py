"""`controlsurface rules`: check, test, replay and describe rule files."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import click
import orjson
import pyarrow as pa

from controlsurface.alerting import files, testing
from controlsurface.alerting.kept import defined
from controlsurface.alerting.rehearsal import Backtest, BacktestArgs, window
from controlsurface.alerting.reload import places
from controlsurface.alerting.rules import GaugeRule, HeartbeatRule, RuleFile
from controlsurface.cli import output
from controlsurface.cli.accept import accept
from controlsurface.cli.options import DURATION, config_of, data_option, json_option, reader_of
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
                output.say(f"{'FAIL' if result.failures else 'ok'}  {result.file}: {result.name}")
                for line in result.failures:
                    output.say(f"      {line}")
    finally:
        store.close()
    if failed:
        raise RulesFailed(f"{failed} of {done} tests failed")


@command.command()
@_FILES
@data_option
@click.option("--since", type=DURATION, default="30d", show_default=True, help="From so long ago until now.")
@click.option("--every", type=DURATION, default="5m", show_default=True, help="From one evaluation to the next.")
@json_option
@click.pass_context
def backtest(
    context: click.Context, paths: tuple[Path, ...], data: Path, since: timedelta, every: timedelta, as_json: bool
) -> None:
    """Say when rules would have fired over what is stored."""
    start, end = window(since)
    found: list[dict[str, object]] = []
    with closing(reader_of(data, context)) as reader:
        for rule in files.load(files.rule_files(_asked(context, paths))).rules.values():
            if isinstance(rule, GaugeRule | HeartbeatRule):
                output.say(f"{rule.alert}: rules about the server itself cannot be replayed", err=True)
                continue
            args = BacktestArgs(definition=defined(rule), start=start, end=end, every=every)
            found += reader.ask(Backtest(args)).rows.to_pylist()
    if as_json:
        output.write_json(found)
    elif found:
        shown = ("labels", "since", "until", "value", "n", "threshold")
        output.write_table(pa.Table.from_pylist([{name: row[name] for name in shown} for row in found]))
    else:
        output.say("no rule would have fired", err=True)


@command.command()
def schema() -> None:
    """Print the JSON schema of rule files, for editors."""
    output.say(orjson.dumps(RuleFile.model_json_schema(), option=orjson.OPT_INDENT_2).decode())


def _asked(context: click.Context, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The files and folders named, else those in force."""
    return paths or places(config_of(context)).paths
