"""`controlsurface doctor`: what is wrong, before it is noticed."""

from pathlib import Path
from typing import Any

import click
import pyarrow as pa

from controlsurface.cli import output
from controlsurface.cli.options import config_of, data_option, json_option
from controlsurface.doctor import Finding, Patient, as_lines, as_table, as_toml, examine, filled
from controlsurface.reader.coverage.words import share

SICK = 1  # exit code when a check fails


@click.command()
@data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address whose ports are tried.")
@click.option("--config", "show", is_flag=True, help="Print the configuration in force, every key with its value.")
@json_option
@click.pass_context
def command(context: click.Context, data: Path, host: str, show: bool, as_json: bool) -> int:
    """Ports, disk, clocks, vocabularies, prices, lanes, silent sources, and what spans fill.

    Exit code 1 when a check fails; warnings leave it 0.
    """
    config = config_of(context)
    if show:
        output.write_document(as_toml(config))
        return 0
    patient = Patient(data, host, config, context.obj)
    findings, facts = list(examine(patient)), filled(patient)
    if as_json:
        output.write_json([*map(_plain, findings), *({"check": "coverage", **_told(each)} for each in facts)])
    else:
        output.write_table(pa.Table.from_pylist([*map(_plain, findings)]))
        _print_facts(facts)
    return SICK if any(each.verdict == "fail" for each in findings) else 0


def _plain(finding: Finding) -> dict[str, str]:
    return {"check": finding.check, "verdict": finding.verdict, "text": finding.text}


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """A fact among the findings: it never fails, for nobody has to send everything."""
    return {"verdict": "ok", "text": f"{row['title']}: {share(row)}", **row}


def _print_facts(facts: list[dict[str, Any]]) -> None:
    """What spans fill, and what to add; nothing before anything came."""
    if not any(each["n"] for each in facts):
        return
    output.say("\nWhat the spans of the last 7 days fill:\n")
    output.write_table(as_table(facts))
    output.say("\nWhat is weak or empty, and what to send:\n")
    for line in as_lines(facts):
        output.say(line)
