"""`controlsurface prices`: what calls are priced by, what has no price, and stored calls priced anew."""

import getpass
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from controlsurface.cli.command_options import DURATION, active_config, data_option, json_option, open_client
from controlsurface.cli.terminal.order_progress import wait_for_order
from controlsurface.cli.terminal.terminal_rows import write_json, write_result
from controlsurface.cli.terminal.terminal_text import print_note, print_text
from controlsurface.client import Client
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.call_prices import CallPricesQuery
from controlsurface.client.queries.costs.restatements import RestatementsArgs, RestatementsQuery
from controlsurface.client.queries.reprice_order import (
    RepriceCommand,
    RepricedModelsQuery,
    RepriceRequest,
    RepricingQuery,
)
from controlsurface.collector.store_owner import store_or_server
from controlsurface.errors import NotFound
from controlsurface.formatting import format_money
from controlsurface.money.model_names import listed_names
from controlsurface.money.price_book import PriceEntry
from controlsurface.money.price_edition import price_edition
from controlsurface.money.price_table import PriceKey, resolve_prices
from controlsurface.query.arguments import WeekRange

since_option = click.option(
    "--since", type=DURATION, default="30d", show_default=True, help="Calls that began so long ago or later."
)


@click.group("prices")
def command() -> None:
    """What calls are priced by: show, check, find gaps, and price stored calls anew.

    A changed price file prices calls from then on. Those stored keep their prices until `reprice`.
    """


@command.command("show")
@click.argument("model")
@click.option("--provider", help="As sent: openai, vllm, ...")
@click.option("--service-tier", help="flex, priority, ...")
@json_option
def show_prices(model: str, provider: str | None, service_tier: str | None, as_json: bool) -> None:
    """Prices of MODEL, in USD per million tokens: yours first, then the list's."""
    edition = price_edition(active_config().costs)
    rows = resolve_prices([PriceKey(provider, model, service_tier)], edition.prices)
    if not rows.num_rows:
        near = get_close_matches(model, listed_names(), 3)
        hint = f"; the list has {', '.join(near)}" if near else ""
        raise NotFound(f"no price for '{model}'{hint}; give it one in {active_config().costs.prices}")
    found = [{name: value for name, value in row.items() if value is not None} for row in rows.to_pylist()]
    if as_json:
        write_json({"edition": edition.fingerprint, "prices": found})
        return
    named = [name for name in rows.column_names if any(name in row for row in found)]
    shown = [name for name in named if name not in {"provider", "model", "service_tier", "edition"}]
    write_result(found, rows.select(["source", *(name for name in shown if name != "source")]), as_json=False)


@command.command("check")
@since_option
@data_option
@json_option
def check_prices(since: timedelta, data: Path, as_json: bool) -> None:
    """Read the price file, and hold its rows against the models that were called.

    Says which rows no call needed and whether calls are priced by this file.
    """
    edition = price_edition(active_config().costs)
    with closing(open_client(data)) as reader:
        calls = _calls(reader, since)
        in_force = _state(reader)["edition_in_force"]
    rows = [_use(number, entry, calls) for number, entry in enumerate(edition.prices.price)]
    write_result({"edition": edition.fingerprint, "in_force": in_force, "prices": rows}, rows, as_json)
    for row in rows:
        if not row["calls"]:
            print_note(f"controlsurface: prices: {row['row']} (model '{row['model']}') matches no call of the period")
    if in_force not in {None, edition.fingerprint}:
        print_note(
            f"controlsurface: prices: calls are priced by edition {in_force}, and this file is {edition.fingerprint}; "
            "a server takes it at its next start"
        )


@command.command()
@since_option
@data_option
@json_option
def gaps(since: timedelta, data: Path, as_json: bool) -> None:
    """Models whose calls have no price, or not for all that they have, and what would close the gap."""
    with closing(open_client(data)) as reader:
        rows = [_gap(row) for row in _calls(reader, since) if _unpriced(row) or row["partly"]]
    write_result(rows, rows, as_json)
    if not rows:
        print_note("controlsurface: prices: every call with known tokens has a price")
    for row in rows if not as_json else ():
        if row["unpriced"]:
            print_note(_suggestion(row["model"], row["provider"]))


@command.command()
@click.option("--since", type=DURATION, help="Requests that began so long ago or later.  [default: all that is stored]")
@click.option("--dry-run", is_flag=True, help="Show what would change. Change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
@json_option
def reprice(since: timedelta | None, dry_run: bool, yes: bool, data: Path, as_json: bool) -> None:
    """Price stored calls by the price file of now: shows figures before and after, and asks.

    Whole requests, the latest first, a transaction at a time. Exports of closed weeks that change get a new revision.
    What the retention has frozen stays as it is. Doing it by another file and back gives the same figures.
    """
    with closing(open_client(data)):  # says where nothing is stored
        pass
    with store_or_server(data, active_config(), open_client) as reader:
        start = datetime.now(UTC) - since if since else None
        _warn_of_other_edition(reader)
        first = _reprice(reader, start, dry_run=dry_run or not yes)  # where nobody is asked, once is enough
        _tell(first, as_dicts(reader.run(RepricedModelsQuery()).rows), as_json)
        if dry_run or not first["changed"]:
            return
        if not yes:
            click.confirm(f"Change {first['changed']:,} calls?", abort=True, err=True)
        done = first if yes else _reprice(reader, start, dry_run=False)
        print_note(f"controlsurface: prices: {done['changed']:,} calls repriced")


@command.command("restated")
@click.option("--week", help="ISO 8601 week in UTC, such as 2026-W47.  [default: all]")
@data_option
@json_option
def restated(week: str | None, data: Path, as_json: bool) -> None:
    """Weeks that were over when their calls were priced anew, and what that changed."""
    with closing(open_client(data)) as reader:
        found = reader.run(RestatementsQuery(RestatementsArgs(week=week))).rows
    write_result(as_dicts(found), found, as_json)
    if not found.num_rows:
        print_note("controlsurface: prices: no closed week was priced anew")


def _calls(reader: Client, since: timedelta) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    return [dict(row) for row in as_dicts(reader.run(CallPricesQuery(WeekRange(start=now - since, end=now))).rows)]


def _unpriced(row: Mapping[str, Any]) -> int:
    """Calls that a price would price."""
    return max(0, int(row["calls"] - row["priced"] - row["without_usage"]))


def _use(number: int, entry: PriceEntry, calls: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A row of the file, and the calls whose model and provider it fits."""
    fitting = [row for row in calls if row["model"] and entry.matches(row["provider"], row["model"])]
    names = sorted({str(row["model"]) for row in fitting})
    return {
        "row": f"price[{number}]",
        "model": entry.model,
        "provider": entry.provider,
        "calls": sum(row["calls"] for row in fitting),
        "models": ", ".join(names),
    }


def _gap(row: Mapping[str, Any]) -> dict[str, Any]:
    parts = ", ".join(row["parts"])
    kept = {name: row[name] for name in ("provider", "model", "service_tier", "calls")}
    tokens = (row["unpriced_input_tokens"] or 0) + (row["unpriced_output_tokens"] or 0)
    return kept | {"unpriced": _unpriced(row), "unpriced_tokens": tokens, "partly": row["partly"], "parts": parts}


def _suggestion(model: str | None, provider: str | None) -> str:
    """The table that prices a model, for the price file."""
    seller = f'provider = "{provider}"\n' if provider else ""
    return f'[[price]]\nmodel = "{model or "*"}"\n{seller}input = ...   # USD per million tokens\noutput = ...'


def _warn_of_other_edition(reader: Client) -> None:
    mine, theirs = price_edition(active_config().costs).fingerprint, _state(reader)["edition_in_force"]
    if theirs not in {None, mine}:
        print_note(
            "controlsurface: prices: the running server has another price file than the one here; "
            "restart it, and ask again"
        )


def _reprice(reader: Client, start: datetime | None, *, dry_run: bool) -> Mapping[str, Any]:
    reader.execute(RepriceCommand(RepriceRequest(since=start, dry_run=dry_run, who=getpass.getuser())))
    return wait_for_order(lambda: _state(reader), "calls", f"calls {'counted' if dry_run else 'repriced'}")


def _state(reader: Client) -> Mapping[str, Any]:
    return as_dicts(reader.run(RepricingQuery()).rows)[0]


def _tell(state: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """What changes, by model and in all."""
    if as_json:
        write_json(
            {name: state[name] for name in ("edition", "calls", "changed", "frozen", "untimed")} | {"models": [*rows]}
        )
        return
    write_result([*rows], [dict(row) for row in rows], as_json=False)
    before, after = (sum(row[name] for row in rows) for name in ("usd_before", "usd_after"))
    print_text(
        f"{state['changed']:,} of {state['calls']:,} calls change: {format_money(float(before))} -> "
        f"{format_money(float(after))}, by edition {state['edition']}"
    )
    if state["untimed"]:
        print_note(f"controlsurface: prices: the start of {state['untimed']:,} calls is no time: arrival stands for it")
    if state["frozen"]:
        print_note(f"controlsurface: prices: {state['frozen']:,} calls stay as they were: retention has frozen them")
