"""`controlsurface rules`: check, test, replay, change and describe rules, accept what a drift rule sees."""

import getpass
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import orjson

from controlsurface.alerting.backtest import BacktestArgs, BacktestQuery, window_until_now
from controlsurface.alerting.delivery.notifier_commands import SendTestMessage, TestMessage
from controlsurface.alerting.detectors.drift.rebaseline import AcceptBaseline, BaselineAcceptance
from controlsurface.alerting.evaluation.alert_store import rule_definition
from controlsurface.alerting.rules import rule_loader
from controlsurface.alerting.rules.rule_commands import RemoveRule, RuleDraft, RuleQuery, RuleRemoval, SaveRule
from controlsurface.alerting.rules.rule_loader import configured_rule_paths
from controlsurface.alerting.rules.rule_models import GaugeRule, HeartbeatRule, RuleFile
from controlsurface.alerting.rules.rule_overrides import merge_patch, rule_json
from controlsurface.alerting.rules.yaml_tree import parse_yaml
from controlsurface.alerting.testing import rule_test_runner
from controlsurface.cli.command_options import DURATION, active_config, data_option, json_option, open_client
from controlsurface.cli.terminal.terminal_rows import write_json, write_result
from controlsurface.cli.terminal.terminal_text import print_note, print_text
from controlsurface.errors import BadRequest, RulesFailed
from controlsurface.query.arguments import FilteredRange
from controlsurface.store.duckdb import DuckStore


@click.command()
@click.argument("alert")
@click.option("--where", multiple=True, metavar="DIMENSION=VALUE", help="Only slices of this value; empty: unknown.")
@click.option("--who", default=getpass.getuser, show_default="your user name", help="Who says so.")
@click.option("--why", help="A sentence for those who will wonder.")
@data_option
def accept(alert: str, where: tuple[str, ...], who: str, why: str | None, data: Path) -> None:
    """Take what the drift rule ALERT sees now as its baseline, from the detector's next look on."""
    pairs = tuple(each.replace("=", ":", 1) for each in where)
    wanted = {name: values[0] for name, values in FilteredRange(where=pairs).filters().items()}
    with closing(open_client(data)) as reader:
        write_json(reader.execute(AcceptBaseline(alert, BaselineAcceptance(slice=wanted, who=who, why=why))))


_FILES = click.argument("paths", nargs=-1, metavar="[FILES]", type=click.Path(path_type=Path))


@click.group("rules", epilog="FILES are rule files or folders of them; without, all rules of the configuration.")
def command() -> None:
    """Alert rules: check, test, replay over what is stored, describe."""


command.add_command(accept)


@command.command()
@_FILES
@json_option
def check(paths: tuple[Path, ...], as_json: bool) -> None:
    """Read rule files and list their rules; every problem is told with its file and line."""
    found = rule_loader.load_rule_files(rule_loader.find_rule_files(_rule_paths(paths)))
    rows = [
        {"group": source.group.name, "rule": rule.alert, "kind": rule.kind, "severity": rule.labels.get("severity")}
        for source in found.groups
        for rule in source.group.rules
    ]
    if rows or as_json:
        write_result(rows, rows, as_json)


@command.command()
@_FILES
def test(paths: tuple[Path, ...]) -> None:
    """Run the tests beside rule files (X.test.yaml beside X.yaml)."""
    failed = done = 0
    store = DuckStore.in_memory()
    try:
        for path in rule_test_runner.find_test_files(_rule_paths(paths)):
            for result in rule_test_runner.run_rule_tests(path, store):
                done += 1
                failed += bool(result.failures)
                print_text(f"{'FAIL' if result.failures else 'ok'}  {result.file}: {result.name}")
                for line in result.failures:
                    print_text(f"      {line}")
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
def backtest(paths: tuple[Path, ...], data: Path, since: timedelta, every: timedelta, as_json: bool) -> None:
    """Say when rules would have fired over what is stored."""
    start, end = window_until_now(since)
    found: list[dict[str, object]] = []
    with closing(open_client(data)) as reader:
        for rule in rule_loader.load_rule_files(rule_loader.find_rule_files(_rule_paths(paths))).rules.values():
            if isinstance(rule, GaugeRule | HeartbeatRule):
                print_note(f"{rule.alert}: rules about the server itself cannot be replayed")
                continue
            args = BacktestArgs(definition=rule_definition(rule), start=start, end=end, every=every)
            found += reader.run(BacktestQuery(args)).rows.to_pylist()
    if found or as_json:
        shown = ("labels", "since", "until", "value", "n", "threshold")
        write_result(found, [{name: row[name] for name in shown} for row in found], as_json)
    else:
        print_note("no rule would have fired")


@command.command()
def schema() -> None:
    """Print the JSON schema of rule files, for editors."""
    print_text(orjson.dumps(RuleFile.model_json_schema(), option=orjson.OPT_INDENT_2).decode())


@command.command()
@click.argument("alert")
@click.argument("fields", nargs=-1, required=True, metavar="FIELD=VALUE...")
@click.option("--who", default=getpass.getuser, show_default="your user name", help="Who says so.")
@click.option("--why", default="", help="A sentence for those who will wonder; a comment in the file.")
@data_option
@json_option
def override(alert: str, fields: tuple[str, ...], who: str, why: str, data: Path, as_json: bool) -> None:
    """Change fields of the rule ALERT, such as above=0.3 or labels.severity=page; of a shipped rule in an override."""
    with closing(open_client(data)) as reader:
        found = reader.run(RuleQuery(alert))
        rule = merge_patch(orjson.loads(found.rows.to_pylist()[0]["definition"]), _patch(fields))
        headers = {"If-Match": found.facts["etag"]}
        done = dict(reader.execute(SaveRule(alert, RuleDraft(rule=rule, who=who, why=why), headers)))
    _tell(done, f"{alert}: {done['overridden'] or 'saved'} ({done['file']})", as_json)


@command.command("add")
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--who", default=getpass.getuser, show_default="your user name", help="Who says so.")
@click.option("--why", default="", help="A sentence for those who will wonder; a comment in the file.")
@data_option
@json_option
def add_rule(path: Path, who: str, why: str, data: Path, as_json: bool) -> None:
    """Add the rules of FILE, each under a new name, to those of your own."""
    with closing(open_client(data)) as reader:
        for source in rule_loader.load_rule_files([path]).groups:
            for rule in source.group.rules:
                draft = RuleDraft(
                    rule=rule_json(rule), group=source.group.name, interval=source.group.interval, who=who, why=why
                )
                done = dict(reader.execute(SaveRule(rule.alert, draft, {"If-None-Match": "*"})))
                _tell(done, f"{rule.alert}: saved ({done['file']})", as_json)


@command.command()
@click.argument("alert")
@click.option("--who", default=getpass.getuser, show_default="your user name", help="Who says so.")
@data_option
@json_option
def remove(alert: str, who: str, data: Path, as_json: bool) -> None:
    """Take the override of the rule ALERT back, or remove a rule of your own."""
    with closing(open_client(data)) as reader:
        done = dict(reader.execute(RemoveRule(alert, RuleRemoval(who=who))))
    _tell(done, f"{alert}: {done['removed']} removed ({done['file']})", as_json)


@command.command("send-test")
@click.argument("notifier")
@data_option
@json_option
def send_test(notifier: str, data: Path, as_json: bool) -> None:
    """Send a test message to NOTIFIER, as an alert that fires would be sent."""
    with closing(open_client(data)) as reader:
        done = dict(reader.execute(SendTestMessage(notifier, TestMessage(who=getpass.getuser()))))
    _tell(done, f"{notifier}: sent in {done['elapsed_ms']:.0f} ms", as_json)


def _tell(done: dict[str, object], text: str, as_json: bool) -> None:
    """What came of it."""
    if as_json:
        write_json(done)
    else:
        print_note(text)


def _patch(fields: tuple[str, ...]) -> dict[str, Any]:
    """`above.limit=0.3` as nested tables; nothing behind the sign removes the field. Raises BadRequest."""
    found: dict[str, Any] = {}
    for each in fields:
        name, sign, value = each.partition("=")
        if not sign or not name:
            raise BadRequest(f"{each}: write FIELD=VALUE, such as above=0.3")
        *tables, last = name.split(".")
        inner = found
        for table in tables:
            inner = inner.setdefault(table, {})
        inner[last] = parse_yaml(value).value if value else None
    return found


def _rule_paths(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The files and folders named, else those in force."""
    return paths or configured_rule_paths(active_config()).paths
