"""`controlsurface doctor`: what is wrong, before it is noticed."""

from pathlib import Path
from typing import Any

import click
import pyarrow as pa

from controlsurface.cli import terminal_output
from controlsurface.cli.command_options import context_config, data_option, json_option
from controlsurface.client.queries.coverage_query import coverage_share_text
from controlsurface.doctor import (
    DoctorFinding,
    DoctorTarget,
    config_as_toml,
    coverage_as_lines,
    coverage_as_table,
    fact_coverage,
    run_checks,
)

EXIT_CHECK_FAILED = 1  # exit code when a check fails


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
    config = context_config(context)
    if show:
        terminal_output.write_document(config_as_toml(config))
        return 0
    patient = DoctorTarget(data, host, config, context.obj)
    findings, facts = list(run_checks(patient)), fact_coverage(patient)
    if as_json:
        terminal_output.write_json(
            [*map(_plain, findings), *({"check": "coverage", **_fact_finding(each)} for each in facts)]
        )
    else:
        terminal_output.write_table(pa.Table.from_pylist([*map(_plain, findings)]))
        _print_facts(facts)
    return EXIT_CHECK_FAILED if any(each.verdict == "fail" for each in findings) else 0


def _plain(finding: DoctorFinding) -> dict[str, str]:
    return {"check": finding.check, "verdict": finding.verdict, "text": finding.text}


def _fact_finding(row: dict[str, Any]) -> dict[str, Any]:
    """A fact among the findings: it never fails, for nobody has to send everything."""
    return {"verdict": "ok", "text": f"{row['title']}: {coverage_share_text(row)}", **row}


def _print_facts(facts: list[dict[str, Any]]) -> None:
    """What spans fill, and what to add; nothing before anything came."""
    if not any(each["n"] for each in facts):
        return
    terminal_output.print_text("\nWhat the spans of the last 7 days fill:\n")
    terminal_output.write_table(coverage_as_table(facts))
    terminal_output.print_text("\nWhat is weak or empty, and what to send:\n")
    for line in coverage_as_lines(facts):
        terminal_output.print_text(line)
