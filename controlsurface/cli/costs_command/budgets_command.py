"""`controlsurface budgets`: how far each budget is spent, what it will come to, and alert rules for them."""

from contextlib import closing
from pathlib import Path

import click

from controlsurface.alerting.rules.rule_templates import budget_rules_file
from controlsurface.cli.command_options import active_config, data_option, open_client
from controlsurface.cli.terminal.terminal_rows import OUTPUT_FORMATS, write_answer
from controlsurface.cli.terminal.terminal_text import print_note, print_text
from controlsurface.client.queries.costs.budgets_query import BudgetsArgs, BudgetsQuery
from controlsurface.errors import BadRequest

SHOWN_COLUMNS = (
    *("name", "period", "budget_usd", "spent_usd", "priced_share", "elapsed_share", "burn"),
    *("forecast_usd", "low_usd", "high_usd", "runs_out_at", "status"),
)
_NO_BUDGETS = "no [[budgets]] in the configuration (docs/budgets.md)"
_EXAMPLE = """\b
controlsurface budgets
controlsurface budgets --at 2026-11-30T23:59:59Z
controlsurface budgets --rules > my_rules/budgets.yaml
"""


@click.command("budgets", epilog=_EXAMPLE)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--at", metavar="TIME", help="As of this moment, in the week or month that it lies in.  [default: now]")
@click.option("--rules", is_flag=True, help="Print a rule file that alerts when a budget is spent too fast.")
@data_option
@click.option("--format", "form", type=click.Choice(OUTPUT_FORMATS), default="table", show_default=True)
def command(names: tuple[str, ...], at: str | None, rules: bool, data: Path, form: str) -> None:
    """Budgets of the configuration: spent so far, the pace, and what their week or month will have cost.

    Without NAME all. The forecast's interval (low to high) is the one at 95 %; burn 1 uses the budget up at the end.
    """
    if rules:
        _print_rules()
        return
    asked = BudgetsQuery(BudgetsArgs.model_validate({"budget": names, "at": at}))
    with closing(open_client(data)) as reader:
        answer = reader.run(asked)
    write_answer(asked, answer, form, SHOWN_COLUMNS)
    if not answer.rows.num_rows:
        print_note(f"controlsurface: budgets: {_NO_BUDGETS}")
    if cut := [row for row in answer.rows.select(["name", "cut"]).to_pylist() if row["cut"]]:
        names_cut = ", ".join(row["name"] for row in cut)
        print_note(f"controlsurface: budgets: calls of this period are gone ([retention] requests): {names_cut}")


def _print_rules() -> None:
    budgets = active_config().budgets
    if not budgets:
        raise BadRequest(_NO_BUDGETS)
    print_text(budget_rules_file(budgets).rstrip())
