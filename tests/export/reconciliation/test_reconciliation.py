"""The bill of a simulated provider against spans that lost something: each difference is found with its reason."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from controlsurface.cli import run_command
from controlsurface.client import LocalClient, RemoteClient
from controlsurface.export.reconciliation.bill_import import BillsQuery, ImportBillPart, bill_parts, import_bill
from controlsurface.export.reconciliation.bill_reader import read_bill
from controlsurface.export.reconciliation.bill_tables import parse_mapping
from controlsurface.export.reconciliation.reconciliation_query import ReconciliationArgs, ReconciliationQuery
from controlsurface.store.duckdb import DuckStore
from tests.export.reconciliation import simulated_provider as acme
from tests.serving import serving
from tests.stores import put

NO_USAGE: Mapping[str, Any] = dict.fromkeys(("input_tokens", "cached_tokens", "output_tokens", "cost_usd"))
Row = dict[str, Any]


def reconciled(reader: LocalClient | RemoteClient, **asked: Any) -> list[Row]:
    return reader.run(ReconciliationQuery(ReconciliationArgs(**asked))).rows.to_pylist()


def planted() -> tuple[bytes, list[Row], dict[tuple[int, str], tuple[str, str]]]:
    """A bill, our rows, and by day and model what must be found: status and first reason."""
    sold, rows, truth = list[acme.Sold](), list[Row](), dict[tuple[int, str], tuple[str, str]]()

    def plant(model: str, status: str, reason: str, lose: Callable[[int, acme.Sold], Row | None], **more: Any) -> None:
        day = len(truth) % 3
        calls = acme.sell(model, day, **more)
        sold.extend(calls)
        rows.extend(row for n, call in enumerate(calls) if (row := lose(n, call)) is not None)
        truth[day, model] = (status, reason)

    same = acme.span_of
    plant("exact", "matched", "", lambda n, call: same(call))
    plant("through-a-proxy", "matched", "", lambda n, call: same(call, provider="litellm_proxy"))
    plant(
        "streams",
        "different",
        "streams_without_usage",
        lambda n, c: same(c, **NO_USAGE, streamed=True) if n < 6 else same(c),
    )
    plant("blind", "different", "calls_without_usage", lambda n, c: same(c, **NO_USAGE) if n < 6 else same(c))
    plant("priceless", "different", "no_price", lambda n, call: same(call, cost_usd=None) if n < 5 else same(call))
    plant("lost", "different", "calls_missing", lambda n, call: None if n < 7 else same(call))
    plant("priority", "different", "service_tier", lambda n, call: same(call), factor=Decimal(2), tier="priority")
    plant("abroad", "different", "region", lambda n, call: same(call), factor=Decimal("1.1"), region="eu")
    plant("cache", "different", "cache", lambda n, call: same(replace(call, cached_tokens=0)))
    plant("free", "different", "free_credits", lambda n, call: same(call), factor=Decimal(0))
    plant("dearer", "different", "unknown", lambda n, call: same(call), factor=Decimal("1.5"))
    plant("elsewhere", "theirs_only", "not_received", lambda n, call: None)
    ours = acme.sell("unbilled", 0)
    rows += [same(call) for call in ours]
    truth[0, "unbilled"] = ("ours_only", "not_billed")
    extra = ("2026-01-06,,,,,,,credit,(1.25)", "2026-01-06,,,,,,,vat,0.80")
    return acme.as_csv_bill(sold, *extra), rows, truth


@pytest.fixture(scope="module")
def planted_store() -> Iterator[tuple[LocalClient, dict[tuple[int, str], tuple[str, str]], list[Row]]]:
    body, rows, truth = planted()
    store = DuckStore.in_memory()
    put(store, rows, "attempts")
    reader = LocalClient(store)
    import_bill(reader, read_bill("acme.csv", body, parse_mapping(acme.MAPPING, "acme.toml")), body)
    yield reader, truth, reconciled(reader)
    store.close()


def test_each_planted_difference_is_found_with_its_reason(planted_store: Any) -> None:
    _, truth, rows = planted_store
    usage = [row for row in rows if row["kind"] == "usage"]
    found = {
        ((date.fromisoformat(row["day"]) - acme.FIRST_DAY).days, row["model"]): (
            row["status"],
            next(iter(row["reasons"]), ""),
        )
        for row in usage
    }
    assert found == truth


def test_credits_and_taxes_stand_by_themselves(planted_store: Any) -> None:
    apart = {row["kind"]: (row["theirs_usd"], row["reasons"]) for row in planted_store[2] if row["kind"] != "usage"}
    assert apart == {"credit": (Decimal("-1.25"), ["free_credits"]), "tax": (Decimal("0.8"), ["tax"])}


def test_both_sides_of_every_row_are_the_sums_of_their_calls(planted_store: Any) -> None:
    _, rows, _ = planted()
    for row in planted_store[2]:
        mine = [
            each["cost_usd"]
            for each in rows
            if (each["model"], f"{each['started_at']:%Y-%m-%d}") == (row["model"], row["day"])
        ]
        known = [cost for cost in mine if cost is not None]
        assert row["ours_usd"] == (sum(known) if known else None)
        assert row["difference_usd"] == (row["theirs_usd"] or 0) - (row["ours_usd"] or 0)


def test_coverage_is_what_estimates_have_of_each_billed_row(planted_store: Any) -> None:
    reader, _, rows = planted_store
    usage = [(row["theirs_usd"], row["ours_usd"] or 0) for row in rows if row["kind"] == "usage" and row["theirs_usd"]]
    share = sum(min(pair) for pair in usage) / sum(theirs for theirs, _ in usage)
    assert reader.run(ReconciliationQuery(ReconciliationArgs())).coverage == pytest.approx(float(share), rel=1e-12)


def test_a_server_reconciles_the_same(planted_store: Any) -> None:
    with serving(planted_store[0]) as url:
        remote = RemoteClient(url)
        assert reconciled(remote) == planted_store[2]
        assert [each["complete"] for each in remote.run(BillsQuery()).rows.to_pylist()] == [True]
        remote.close()


@pytest.fixture
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    yield made
    made.close()


FORMS: dict[str, tuple[Callable[[list[acme.Sold]], bytes], str, str]] = {
    "openai": (acme.as_openai_bill, "openai", "gpt-4o-2024-08-06"),
    "anthropic": (acme.as_anthropic_bill, "anthropic", "claude-sonnet-4-5-20250929"),
    "focus": (acme.as_focus_bill, "aws.bedrock", "claude-sonnet-4-5-20250929"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_bill_of_each_form_matches_calls_that_lost_nothing(store: DuckStore, form: str) -> None:
    """Cents read as dollars, every figure a hundred times too large: langwatch/langwatch, issue 6977."""
    write, provider, model = FORMS[form]
    sold = [call for day in range(3) for call in acme.sell(model, day)]
    short = model.rpartition("-20")[0]
    put(store, [acme.span_of(call, provider) | {"model": short} for call in sold], "attempts")
    bill = read_bill("bill", body := write(sold))
    assert (bill.form, bill.skipped) == (form, 1 if form == "focus" else 0)
    import_bill(LocalClient(store), bill, body)
    rows = reconciled(LocalClient(store))
    assert [(row["status"], row["model"]) for row in rows] == [("matched", short)] * 3
    assert float(rows[1]["theirs_usd"]) == pytest.approx(float(acme.billed(sold, 1, model)), rel=1e-9)


def test_days_that_a_provider_cuts_at_another_hour_are_told_from_a_wrong_price(store: DuckStore) -> None:
    sold = acme.sell("m", 0) + acme.sell("m", 1)
    put(store, [acme.span_of(call) for call in sold], "attempts")
    late = [replace(call, at=call.at + timedelta(days=1)) if n in {18, 19} else call for n, call in enumerate(sold)]
    body = acme.as_csv_bill(late)
    import_bill(LocalClient(store), read_bill("a.csv", body, parse_mapping(acme.MAPPING, "m")), body)
    assert [(row["status"], row["reasons"][0]) for row in reconciled(LocalClient(store))] == [
        ("different", "day_border")
    ] * 2


def test_a_bill_without_models_is_compared_by_the_day(store: DuckStore) -> None:
    sold = acme.sell("one", 0) + acme.sell("two", 0)
    put(store, [acme.span_of(call) for call in sold], "attempts")
    body = f"date,usd\n2026-01-05,{sum(call.usd for call in sold)}\n".encode()
    mapping = parse_mapping('provider = "Acme AI"\nday = "date"\namount = "usd"\n', "m")
    import_bill(LocalClient(store), read_bill("a.csv", body, mapping), body)
    assert [(row["status"], row["model"]) for row in reconciled(LocalClient(store))] == [("matched", None)]


def imported(store: DuckStore, usd: str, day: str = "2026-01-05", account: str = "") -> None:
    body = f"date,usd\n{day},{usd}\n".encode()
    mapping = parse_mapping('provider = "Acme AI"\nday = "date"\namount = "usd"\n', "m")
    import_bill(LocalClient(store), read_bill("a.csv", body, mapping), body, account)


def test_a_later_bill_takes_the_place_of_an_earlier_one_of_the_same_day(store: DuckStore) -> None:
    for usd in ("1.00", "2.50", "2.50"):
        imported(store, usd)
    assert [row["theirs_usd"] for row in reconciled(LocalClient(store))] == [Decimal("2.5")]


def test_bills_of_two_accounts_add_up(store: DuckStore) -> None:
    imported(store, "1.00", account="eu")
    imported(store, "2.50", account="us")
    assert [row["theirs_usd"] for row in reconciled(LocalClient(store))] == [Decimal("3.5")]


def test_a_bill_of_which_a_part_is_missing_does_not_count_yet(store: DuckStore) -> None:
    body = acme.as_csv_bill([call for day in range(9) for call in acme.sell(f"m{day % 3}", day, 1)])
    many = b"\n".join(
        [
            body.split(b"\n", 1)[0],
            *(
                line.replace(b"2026", str(year).encode())
                for line in body.split(b"\n")[1:-1]
                for year in range(2010, 2026)
            ),
        ]
    )
    parts = list(bill_parts(read_bill("a.csv", many, parse_mapping(acme.MAPPING, "m")), many))
    assert len(parts) > 2
    reader = LocalClient(store)
    for part in reversed(parts[1:]):
        assert not reader.execute(ImportBillPart(part))["complete"]
    assert reconciled(reader) == []
    assert reader.execute(ImportBillPart(parts[0]))["complete"]
    assert len(reconciled(reader)) == 9 * 16


def test_the_command_imports_bills_and_prints_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body, rows, _ = planted()
    data = tmp_path / "data"
    kept = DuckStore.open(data)
    put(kept, rows, "attempts")
    kept.close()
    (tmp_path / "acme.csv").write_bytes(body)
    (tmp_path / "acme.toml").write_text(acme.MAPPING)
    asked = ["reconcile", str(tmp_path / "acme.csv"), "--mapping", str(tmp_path / "acme.toml"), "--data", str(data)]
    assert run_command(asked) == 0
    said = capsys.readouterr()
    assert "streams_without_usage" in said.out
    assert "streams_without_usage: streamed calls whose spans have no token counts" in said.err
    assert "of the billed usage" in said.err
    assert run_command(["reconcile", "--json", "--data", str(data)]) == 0
    assert json.loads(capsys.readouterr().out)["coverage"] > 0.5
