"""`controlsurface profile`: before launch, which model answers which task well enough."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from controlsurface.cli.command_options import active_config
from controlsurface.cli.profile_command.profile_options import read_bounds, read_mix, read_pairs
from controlsurface.cli.terminal.terminal_rows import write_document, write_json, write_table
from controlsurface.cli.terminal.terminal_text import print_note, print_text
from controlsurface.errors import BadRequest, Unreachable
from controlsurface.money.price_edition import price_edition
from controlsurface.profile.answer_table import Tiers, read_answers, read_table, stated_tiers
from controlsurface.profile.endpoint_answers import Endpoint, collect_answers, prompt_rows
from controlsurface.profile.model_profile import ModelProfile, profile_answers, stated_mix
from controlsurface.profile.pass_criteria import read_criteria
from controlsurface.profile.profile_policy import profile_as_litellm, profile_policy

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("profile")
@click.argument("file", type=_FILE)
@click.option(
    "--models", "--model", multiple=True, required=True, metavar="[LANE=]MODEL,...", help="From cheap to dear; repeat."
)
@click.option("--criteria", type=_FILE, help="TOML: when an answer passes.  [default: a score of 0.5]")
@click.option("--column", "columns", multiple=True, metavar="NAME=COLUMN", help="Where FILE says what; repeat.")
@click.option(
    "--endpoint", metavar="URL", help="FILE has prompts: ask the models behind this OpenAI-compatible address."
)
@click.option("--key-env", default="OPENAI_API_KEY", show_default=True, help="Environment variable with its key.")
@click.option("--answers", type=click.Path(dir_okay=False, path_type=Path), help="JSON lines that keep the answers.")
@click.option("--parallel", type=click.IntRange(1, 64), default=4, show_default=True, help="Calls at a time.")
@click.option("--mix", multiple=True, metavar="TASK=N", help="Requests a day of a task type; repeat.")
@click.option("--requests-per-day", type=click.FloatRange(0, min_open=True), help="Shared out as the prompts are.")
@click.option("--alone", type=float, help="Pass rate from which a tier answers alone.  [default: profile.alone]")
@click.option("--escalating", type=float, help="... answers first.  [default: profile.escalating]")
@click.option("--context-guard", type=float, help="policy, litellm: share of the window over which to go up at once.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "policy", "litellm"]), default="table", show_default=True
)
def command(
    file: Path,
    models: tuple[str, ...],
    criteria: Path | None,
    columns: tuple[str, ...],
    endpoint: str | None,
    key_env: str,
    answers: Path | None,
    parallel: int,
    mix: tuple[str, ...],
    requests_per_day: float | None,
    alone: float | None,
    escalating: float | None,
    context_guard: float | None,
    form: str,
) -> None:
    """Pass rates by tier and task of prompts that each tier has answered, and the tier that each task begins with.

    FILE is CSV, Parquet or JSON lines: a row an answer (task_type, prompt_id, tier, answer or score, expected,
    input_tokens, output_tokens, latency_s, cost_usd), or a column of scores or answers a model. With --endpoint it has
    prompts (prompt, task_type, expected), which are asked now; what --answers holds already is not asked again.
    """
    order = stated_tiers(models)
    if endpoint:
        file = _collect(file, order, Endpoint(endpoint, os.environ.get(key_env), parallel), answers)
    elif answers:
        raise BadRequest("--answers keeps what --endpoint answers; name the file itself to profile it")
    table = read_answers(file, order, read_pairs("--column", "NAME=COLUMN", columns))
    stated = stated_mix(table, requests_per_day, read_mix(mix, table["task_type"].unique().to_list()))
    bounds = read_bounds(active_config().profile, alone, escalating)
    found = profile_answers(table, order, read_criteria(criteria), bounds, price_edition(active_config().costs), stated)
    _write(found, form, context_guard, file)


def _collect(file: Path, tiers: Tiers, endpoint: Endpoint, into: Path | None) -> Path:
    """Have the prompts answered; the file of answers. Raises BadRequest, and Unreachable where calls have failed."""
    if into is None:
        raise BadRequest("--endpoint needs --answers FILE, which keeps what is answered")
    prompts = prompt_rows(read_table(file), file)
    with click.progressbar(length=prompts.height * len(tiers), file=sys.stderr, label="answers") as bar:
        found = collect_answers(prompts, [*tiers.values()], endpoint, into, bar.update)
    for problem in found.problems[:5]:
        print_note(f"controlsurface: profile: {problem}")
    if found.problems:
        raise Unreachable(
            f"{len(found.problems)} of {found.asked} calls have no answer; the same command asks them again"
        )
    return into


def _write(found: ModelProfile, form: str, context_guard: float | None, file: Path) -> None:
    if form == "json":
        write_json(found.document())
    elif form == "table":
        _write_tables(found)
    else:
        policy = profile_policy(found.choices, [*found.tiers], context_guard)
        if form == "litellm":
            write_document(profile_as_litellm(policy, found.tiers, found.why(file.name)))
        else:
            write_json(policy.plain())


def _write_tables(found: ModelProfile) -> None:
    for number, table in enumerate(found.tables().values()):
        if number:
            print_text("")
        write_table(table.to_arrow())
