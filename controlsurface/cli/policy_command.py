"""`controlsurface policy`: which thresholds were chosen, by whom and why; set, roll back, hand over."""

import getpass
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import orjson

from controlsurface.audit import policy
from controlsurface.audit.policy.litellm import ProxyModels, policy_as_yaml
from controlsurface.audit.policy.litellm_import import policy_from_yaml
from controlsurface.cli.command_options import active_config, data_option, json_option, open_client
from controlsurface.cli.terminal.terminal_rows import write_document, write_json, write_result
from controlsurface.cli.terminal.terminal_text import print_note
from controlsurface.client import Client
from controlsurface.config import LaneConfig
from controlsurface.errors import BadRequest, NotFound


@click.group("policy")
def command() -> None:
    """The routing policy: show, set, history, roll back, export. It changes no router: routers ask for it."""


who_option = click.option("--who", default=getpass.getuser, show_default="your user name", help="Who decides.")
why_option = click.option("--why", required=True, help="A sentence for those who will wonder.")
model_option = click.option(
    "--model",
    "models",
    multiple=True,
    metavar="LANE=MODEL",
    help="litellm: model_name of a lane.  [default: the lane's]",
)


@command.command()
@data_option
def show(data: Path) -> None:
    """The policy in force, as JSON."""
    with closing(open_client(data)) as reader:
        write_json(policy.policy_document(_current(reader)))


@command.command()
@data_option
@json_option
def history(data: Path, as_json: bool) -> None:
    """All versions, newest first."""
    with closing(open_client(data)) as reader:
        rows = reader.run(policy.PolicyHistoryQuery(policy.PolicyHistoryArgs())).rows
    shown = rows.select(["version", "at", "who", "why", "restores", "settings"])
    write_result([policy.policy_document(row) for row in rows.to_pylist()], shown, as_json)


@command.command("set")
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--threshold", "thresholds", multiple=True, metavar="TASK=T", help="Escalate TASK below T.")
@click.option("--tier", "tiers", multiple=True, metavar="TASK=LANE", help="Try LANE first for TASK.")
@click.option(
    "--escalate-to", "escalations", multiple=True, metavar="TASK=LANE", help="Which LANE answers TASK below T."
)
@click.option("--default-threshold", type=float, help="For every other task type.")
@click.option("--default-tier", metavar="LANE", help="For every other task type.")
@click.option("--default-escalate-to", metavar="LANE", help="For every other task type.")
@click.option(
    "--fallback", "fallbacks", multiple=True, metavar="LANE=L1,L2", help="Lanes tried when calls of LANE fail."
)
@click.option("--context-guard", type=float, help="Share of a small model's window over which to go up at once.")
@who_option
@why_option
@data_option
def set_(
    file: Any,
    thresholds: tuple[str, ...],
    tiers: tuple[str, ...],
    escalations: tuple[str, ...],
    default_threshold: float | None,
    default_tier: str | None,
    default_escalate_to: str | None,
    fallbacks: tuple[str, ...],
    context_guard: float | None,
    who: str,
    why: str,
    data: Path,
) -> None:
    """Set the policy: FILE is JSON (task_types, default, context_guard, fallbacks); options change it.

    Without FILE the options change the policy in force.
    """
    with closing(open_client(data)) as reader:
        newest = _newest(reader)
        base = _read_settings(file) if file else orjson.loads(newest["settings"]) if newest else {}
        default = {"threshold": default_threshold, "tier": default_tier, "escalate_to": default_escalate_to}
        options = {"threshold": thresholds, "tier": tiers, "escalate_to": escalations}
        changed = _changed(base, options, default, context_guard, fallbacks)
        write_json(_set(reader, newest, policy.Policy.model_validate(changed), who, why))


@command.command()
@click.argument("version", type=click.IntRange(1))
@who_option
@why_option
@data_option
def rollback(version: int, who: str, why: str, data: Path) -> None:
    """Bring the settings of VERSION back, as a new version."""
    with closing(open_client(data)) as reader:
        write_json(reader.execute(policy.RollbackCommand(policy.Rollback(version=version, who=who, why=why))))


@command.command()
@click.option("--format", "form", type=click.Choice(["json", "litellm"]), default="json", show_default=True)
@click.option("--version", type=click.IntRange(1), help="Another one than that in force.")
@model_option
@click.option("--small", metavar="MODEL", help="litellm: model_name of the cheapest lane.")
@click.option("--large", metavar="MODEL", help="litellm: model_name of the first escalation lane.")
@click.option("--judge", metavar="MODEL", help="litellm: model that forecasts p_solve.  [default: the cheapest lane's]")
@data_option
def export(
    form: str,
    version: int | None,
    models: tuple[str, ...],
    small: str | None,
    large: str | None,
    judge: str | None,
    data: Path,
) -> None:
    """The policy for a router: JSON, or YAML for LiteLLM's config.yaml, whatever the number of lanes."""
    with closing(open_client(data)) as reader:
        row = _version_row(reader, version) if version else _current(reader)
    if form == "json":
        write_json(policy.policy_document(row))
        return
    lanes = active_config().lanes
    ends = {next(iter(lanes)): small, _escalation(lanes): large}
    names = {lane: model for lane, model in ends.items() if model} | _models_by_lane(models)
    write_document(policy_as_yaml(policy.policy_version_of(row), ProxyModels(lanes, names, judge)))


@command.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--format", "form", type=click.Choice(["litellm"]), default="litellm", show_default=True)
@model_option
@who_option
@why_option
@data_option
def import_(file: Any, form: str, models: tuple[str, ...], who: str, why: str, data: Path) -> None:
    """Set the policy from FILE, a config.yaml of LiteLLM: capability routers named auto-TASK_TYPE, and fallbacks.

    A model_name belongs to the lane that --model says, that has its name, or whose globs take the model behind it.
    What a policy cannot say is named on standard error.
    """
    found = policy_from_yaml(file.read(), ProxyModels(active_config().lanes, _models_by_lane(models)), file.name)
    for each in found.left_out:
        print_note(f"controlsurface: policy: {form}: left out: {each}")
    with closing(open_client(data)) as reader:
        write_json(_set(reader, _newest(reader), found.policy, who, why))


def _read_settings(file: Any) -> dict[str, Any]:
    """The settings in a file. Raises BadRequest."""
    try:
        found = orjson.loads(file.read())
    except orjson.JSONDecodeError as problem:
        raise BadRequest(f"{file.name}: no JSON: {problem}") from None
    if not isinstance(found, dict):
        raise BadRequest(f"{file.name}: no JSON object")
    return found


def _current(reader: Client) -> Mapping[str, Any]:
    """The row in force. Raises NotFound."""
    return dict(reader.run(policy.CurrentPolicyQuery()).rows.to_pylist()[0])


def _newest(reader: Client) -> Mapping[str, Any] | None:
    """The row in force, or None before the first."""
    try:
        return _current(reader)
    except NotFound:
        return None


def _version_row(reader: Client, version: int) -> Mapping[str, Any]:
    """The row of a version. Raises NotFound."""
    found = reader.run(policy.PolicyHistoryQuery(policy.PolicyHistoryArgs(version=version))).rows.to_pylist()
    if not found:
        raise NotFound(f"no policy v{version}; `controlsurface policy history` lists them")
    return dict(found[0])


def _set(
    reader: Client, newest: Mapping[str, Any] | None, chosen: policy.Policy, who: str, why: str
) -> Mapping[str, Any]:
    """Keep a policy on top of the one it rests on."""
    proposal = policy.Proposal(policy=chosen, who=who, why=why)
    condition = {"If-Match": policy.policy_etag(newest)} if newest else {"If-None-Match": "*"}
    return reader.execute(policy.SetPolicyCommand(proposal, condition))


def _changed(
    base: dict[str, Any],
    options: Mapping[str, tuple[str, ...]],
    default: Mapping[str, Any],
    context_guard: float | None,
    fallbacks: tuple[str, ...],
) -> dict[str, Any]:
    """Settings with the options put in. Raises BadRequest for an option without its sign."""
    tasks = {name: dict(each) for name, each in base.get("task_types", {}).items()}
    for key, given in options.items():
        for name, value in _split_pairs(f"--{key.replace('_', '-')}", "TASK=VALUE", given):
            tasks.setdefault(name, {})[key] = value
    chains = _split_pairs("--fallback", "LANE=L1,L2", fallbacks)
    ways = {lane: [each for each in chain.split(",") if each] for lane, chain in chains}
    said = {key: value for key, value in default.items() if value is not None}
    guard = {"context_guard": context_guard} if context_guard is not None else {}
    changed = {"default": {**base.get("default", {}), **said}, "fallbacks": {**base.get("fallbacks", {}), **ways}}
    return {**base, "task_types": tasks, **changed, **guard}


def _split_pairs(flag: str, form: str, options: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The two sides of each option. Raises BadRequest for one without its sign."""
    for option in options:
        name, sign, value = option.rpartition("=")
        if not sign:
            raise BadRequest(f"{flag} {option}: write {form}")
        yield name, value


def _models_by_lane(models: tuple[str, ...]) -> dict[str, str]:
    """Model names by lane. Raises BadRequest for what names only one of them."""
    found = {}
    for each in models:
        lane, _, model = each.partition("=")
        if not (lane and model):
            raise BadRequest(f"--model {each}: write LANE=MODEL")
        found[lane] = model
    return found


def _escalation(lanes: Mapping[str, LaneConfig]) -> str:
    """The first escalation lane, else the dearest."""
    return next((name for name, lane in lanes.items() if lane.escalation), list(lanes)[-1])
