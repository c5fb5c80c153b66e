"""`controlsurface doctor`: what is wrong, before it is noticed."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import pyarrow as pa

from controlsurface.cli.command_options import active_config, config_file, data_option, json_option
from controlsurface.cli.terminal.terminal_rows import write_document, write_result, write_table
from controlsurface.cli.terminal.terminal_text import print_text
from controlsurface.client.queries.coverage_query import coverage_by_service, coverage_share_text, missing_facts
from controlsurface.doctor.checks import DoctorTarget, run_checks
from controlsurface.doctor.config_toml import config_as_toml
from controlsurface.doctor.coverage_text import fact_coverage

EXIT_CHECK_FAILED = 1  # exit code when a check fails


@click.command()
@data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address whose ports are tried.")
@click.option("--config", "show", is_flag=True, help="Print the configuration in force, every key with its value.")
@json_option
def command(data: Path, host: str, show: bool, as_json: bool) -> int:
    """Ports, disk, clocks, vocabularies, prices, lanes, silent sources, and what spans fill.

    Exit code 1 when a check fails; warnings leave it 0.
    """
    config = active_config()
    if show:
        write_document(config_as_toml(config))
        return 0
    patient = DoctorTarget(data, host, config, config_file())
    findings, facts = list(run_checks(patient)), fact_coverage(patient)
    rows = [asdict(each) for each in findings]
    write_result([*rows, *map(_fact_finding, facts)], rows, as_json)
    if not as_json:
        _print_facts(facts)
    return EXIT_CHECK_FAILED if any(each.verdict == "fail" for each in findings) else 0


def _fact_finding(row: dict[str, Any]) -> dict[str, Any]:
    """A fact among the findings: it never fails, for nobody has to send everything."""
    return {"check": "coverage", "verdict": "ok", "text": f"{row['title']}: {coverage_share_text(row)}", **row}


def _print_facts(facts: list[dict[str, Any]]) -> None:
    """What spans fill, and what to add; nothing before anything came."""
    if not any(each["n"] for each in facts):
        return
    print_text("\nWhat the spans of the last 7 days fill:\n")
    write_table(pa.Table.from_pylist(coverage_by_service(facts)))
    print_text("\nWhat is weak or empty, and what to send:\n")
    for what, add in missing_facts(facts):
        print_text(f"{what}\n  {add}")
