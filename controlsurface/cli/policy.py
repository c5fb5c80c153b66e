"""`controlsurface policy`: which thresholds were chosen, by whom and why; set, roll back, hand over."""

import getpass
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import orjson

from controlsurface.audit import policy
from controlsurface.audit.policy.litellm import Models, as_yaml
from controlsurface.cli import output
from controlsurface.cli.options import Command, config_of, data_option, json_option, reader_of
from controlsurface.errors import BadRequest, NotFound
from controlsurface.reader import Reader


@click.group("policy")
def command() -> None:
    """The routing policy: show, set, history, roll back, export. It changes no router: routers ask for it."""


who_option = click.option("--who", default=getpass.getuser, show_default="your user name", help="Who decides.")
why_option = click.option("--why", required=True, help="A sentence for those who will wonder.")


def model_option(flag: str, default: str, what: str) -> Callable[[Command], Command]:
    """A name in the model_list of LiteLLM's proxy."""
    return click.option(flag, default=default, show_default=True, metavar="MODEL", help=what)


@command.command()
@data_option
@click.pass_context
def show(context: click.Context, data: Path) -> None:
    """The policy in force, as JSON."""
    with closing(reader_of(data, context)) as reader:
        output.write_json(policy.shown(_current(reader)))


@command.command()
@data_option
@json_option
@click.pass_context
def history(context: click.Context, data: Path, as_json: bool) -> None:
    """All versions, newest first."""
    with closing(reader_of(data, context)) as reader:
        rows = reader.ask(policy.History(policy.HistoryArgs())).rows
    if as_json:
        output.write_json([policy.shown(row) for row in rows.to_pylist()])
    else:
        output.write_table(rows.select(["version", "at", "who", "why", "restores", "settings"]))


@command.command("set")
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--threshold", "thresholds", multiple=True, metavar="TASK=T", help="Escalate TASK below T.")
@click.option("--tier", "tiers", multiple=True, metavar="TASK=LANE", help="Try LANE first for TASK.")
@click.option("--default-threshold", type=float, help="For every other task type.")
@click.option("--default-tier", metavar="LANE", help="For every other task type.")
@click.option("--context-guard", type=float, help="Share of a small model's window over which to go up at once.")
@who_option
@why_option
@data_option
@click.pass_context
def set_(
    context: click.Context,
    file: Any,
    thresholds: tuple[str, ...],
    tiers: tuple[str, ...],
    default_threshold: float | None,
    default_tier: str | None,
    context_guard: float | None,
    who: str,
    why: str,
    data: Path,
) -> None:
    """Set the policy: FILE is JSON (task_types, default, context_guard); options change what is in it, or in force.

    Without FILE the options change the policy in force.
    """
    with closing(reader_of(data, context)) as reader:
        newest = _newest(reader)
        base = _read(file) if file else orjson.loads(newest["settings"]) if newest else {}
        default = {"threshold": default_threshold, "tier": default_tier}
        changed = _changed(base, thresholds, tiers, default, context_guard)
        proposal = policy.Proposal(policy=policy.Policy.model_validate(changed), who=who, why=why)
        condition = {"If-Match": policy.etag(newest)} if newest else {"If-None-Match": "*"}
        output.write_json(reader.do(policy.SetPolicy(proposal, condition)))


@command.command()
@click.argument("version", type=click.IntRange(1))
@who_option
@why_option
@data_option
@click.pass_context
def rollback(context: click.Context, version: int, who: str, why: str, data: Path) -> None:
    """Bring the settings of VERSION back, as a new version."""
    with closing(reader_of(data, context)) as reader:
        output.write_json(reader.do(policy.RollBack(policy.Rollback(version=version, who=who, why=why))))


@command.command()
@click.option("--format", "form", type=click.Choice(["json", "litellm"]), default="json", show_default=True)
@click.option("--version", type=click.IntRange(1), help="Another one than that in force.")
@click.option(
    "--small", default="small", show_default=True, metavar="MODEL", help="litellm: model_name of the small lane."
)
@click.option(
    "--large", default="large", show_default=True, metavar="MODEL", help="litellm: model_name of the large lane."
)
@click.option(
    "--judge", default="small", show_default=True, metavar="MODEL", help="litellm: model that forecasts p_solve."
)
@data_option
@click.pass_context
def export(
    context: click.Context, form: str, version: int | None, small: str, large: str, judge: str, data: Path
) -> None:
    """The policy for a router: JSON, or YAML for LiteLLM's config.yaml."""
    with closing(reader_of(data, context)) as reader:
        row = _numbered(reader, version) if version else _current(reader)
    if form == "json":
        output.write_json(policy.shown(row))
        return
    up = frozenset(name for name, lane in config_of(context).lanes.items() if lane.escalation)
    click.echo(as_yaml(policy.policy_of(row), Models(small, large, judge, up)), nl=False)


def _read(file: Any) -> dict[str, Any]:
    """The settings in a file. Raises BadRequest."""
    try:
        found = orjson.loads(file.read())
    except orjson.JSONDecodeError as problem:
        raise BadRequest(f"{file.name}: no JSON: {problem}") from None
    if not isinstance(found, dict):
        raise BadRequest(f"{file.name}: no JSON object")
    return found


def _current(reader: Reader) -> Mapping[str, Any]:
    """The row in force. Raises NotFound."""
    return dict(reader.ask(policy.Current()).rows.to_pylist()[0])


def _newest(reader: Reader) -> Mapping[str, Any] | None:
    """The row in force, or None before the first."""
    try:
        return _current(reader)
    except NotFound:
        return None


def _numbered(reader: Reader, version: int) -> Mapping[str, Any]:
    """The row of a version. Raises NotFound."""
    found = reader.ask(policy.History(policy.HistoryArgs(version=version))).rows.to_pylist()
    if not found:
        raise NotFound(f"no policy v{version}; `controlsurface policy history` lists them")
    return dict(found[0])


def _changed(
    base: dict[str, Any],
    thresholds: tuple[str, ...],
    tiers: tuple[str, ...],
    default: Mapping[str, Any],
    context_guard: float | None,
) -> dict[str, Any]:
    """Settings with the options put in. Raises BadRequest for an option without its sign."""
    tasks = {name: dict(each) for name, each in base.get("task_types", {}).items()}
    for key, options in (("threshold", thresholds), ("tier", tiers)):
        for option in options:
            name, sign, value = option.rpartition("=")
            if not sign:
                raise BadRequest(f"--{key} {option}: write TASK=VALUE")
            tasks.setdefault(name, {})[key] = value
    given = {key: value for key, value in default.items() if value is not None}
    guard = {"context_guard": context_guard} if context_guard is not None else {}
    return {**base, "task_types": tasks, "default": {**base.get("default", {}), **given}, **guard}
