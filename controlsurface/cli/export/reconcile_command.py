"""`controlsurface reconcile`: bills of providers against what calls were estimated to cost."""

from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from controlsurface.cli.command_options import data_option, json_option, open_client
from controlsurface.cli.terminal.terminal_rows import write_answer, write_table
from controlsurface.cli.terminal.terminal_text import print_note
from controlsurface.errors import BadRequest
from controlsurface.export.reconciliation.bill_comparison import REASONS
from controlsurface.export.reconciliation.bill_import import import_bill
from controlsurface.export.reconciliation.bill_reader import read_bill
from controlsurface.export.reconciliation.bill_tables import parse_mapping
from controlsurface.export.reconciliation.reconciliation_query import ReconciliationArgs, ReconciliationQuery
from controlsurface.formatting import format_value

_FILE_TYPE = click.Path(exists=True, dir_okay=False, path_type=Path)
SHOWN_COLUMNS = ("day", "provider", "model", "kind", "status", "theirs_usd", "ours_usd", "difference_usd", "reasons")
_EXAMPLE = """\b
controlsurface reconcile openai-costs.json anthropic-costs.json
controlsurface reconcile invoice.csv --mapping invoice.toml --account eu
"""


@click.command("reconcile", epilog=_EXAMPLE)
@click.argument("bills", nargs=-1, type=_FILE_TYPE, metavar="[BILL]...")
@click.option("--mapping", type=_FILE_TYPE, help="TOML that says which columns of a CSV hold day, amount, model, ...")
@click.option("--account", default="", help="Which account with the provider, where there are several.")
@click.option("--from", "start", metavar="TIME", help="First day.  [default: of the bills]")
@click.option("--to", "end", metavar="TIME", help="Day after the last.")
@click.option("--tolerance", type=click.FloatRange(0, 100), default=1.0, show_default=True, help="Percent.")
@data_option
@json_option
def command(
    bills: tuple[Path, ...],
    mapping: Path | None,
    account: str,
    start: datetime | None,
    end: datetime | None,
    tolerance: float,
    data: Path,
    as_json: bool,
) -> None:
    """Import BILLs and show where they and our estimates differ, and why that is likely.

    Knows OpenAI's organization/costs and Anthropic's cost_report as JSON, FOCUS as CSV or Parquet, and any CSV with a
    mapping. A later bill takes the place of an earlier one of the same provider, account and day.
    """
    asked = {"start": start, "end": end, "tolerance": tolerance / 100}
    args = ReconciliationArgs.model_validate({name: value for name, value in asked.items() if value is not None})
    mapped = parse_mapping(mapping.read_text("utf-8"), str(mapping)) if mapping else None
    if mapped and not bills:
        raise BadRequest("--mapping: name the BILL that it describes")
    read = [(path.read_bytes(), path.name) for path in bills]
    found = [(read_bill(name, body, mapped), body) for body, name in read]  # all can be read, before any is kept
    with closing(open_client(data)) as reader:
        for bill, body in found:
            import_bill(reader, bill, body, account)
            skipped = f"; {bill.skipped:,} lines are about something else" if bill.skipped else ""
            print_note(f"controlsurface: {bill.file}: {bill.form}, {len(bill.lines):,} lines{skipped}")
            for warning in bill.warnings:
                print_note(f"controlsurface: warning: {bill.file}: {warning}")
        query = ReconciliationQuery(args)
        answer = reader.run(query)
    if as_json:
        write_answer(query, answer, "json")
        return
    if not answer.rows.num_rows:
        print_note("controlsurface: no bill was imported for these days")
        return
    write_table(answer.rows.select(SHOWN_COLUMNS))
    for reason in sorted({each for row in answer.rows["reasons"].to_pylist() for each in row or ()}):
        print_note(f"  {reason}: {REASONS[reason]}")
    covered, matched = (_share(each) for each in (answer.coverage, answer.matched_share))
    print_note(f"controlsurface: estimates account for {covered} of the billed usage; {matched} of it matches")


def _share(value: float | None) -> str:
    return "an unknown share" if value is None else format_value(value, "ratio")
