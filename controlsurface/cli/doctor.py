"""`controlsurface doctor`: what is wrong, before it is noticed."""

from pathlib import Path

import click
import pyarrow as pa

from controlsurface.cli import output
from controlsurface.cli.options import config_of, data_option, json_option
from controlsurface.doctor import Finding, Patient, as_toml, examine

SICK = 1  # exit code when a check fails


@click.command()
@data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address whose ports are tried.")
@click.option("--config", "show", is_flag=True, help="Print the configuration in force, every key with its value.")
@json_option
@click.pass_context
def command(context: click.Context, data: Path, host: str, show: bool, as_json: bool) -> int:
    """Ports, disk, clocks, vocabularies, prices, lanes, silent sources.

    Exit code 1 when a check fails; warnings leave it 0.
    """
    config = config_of(context)
    if show:
        click.echo(as_toml(config), nl=False)
        return 0
    findings = list(examine(Patient(data, host, config, context.obj)))
    _print(findings, as_json)
    return SICK if any(each.verdict == "fail" for each in findings) else 0


def _print(findings: list[Finding], as_json: bool) -> None:
    rows = [{"check": each.check, "verdict": each.verdict, "text": each.text} for each in findings]
    if as_json:
        output.write_json(rows)
    else:
        output.write_table(pa.Table.from_pylist(rows))
