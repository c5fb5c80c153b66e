"""Bills as people and programs write them, and what is refused because it could be read in two ways."""

import json
from decimal import Decimal

import pytest

from controlsurface.errors import BadBody, ConfigError
from controlsurface.export.reconciliation.bill_line import parse_amount
from controlsurface.export.reconciliation.bill_reader import read_bill
from controlsurface.export.reconciliation.bill_tables import parse_mapping
from controlsurface.export.reconciliation.provider_bills import UNCUT_WARNING

MAPPING = parse_mapping('provider = "p"\nday = "d"\namount = "usd"\n', "m.toml")


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("$1,234.56", ".", "1234.56"),  # proompteng/bilig, issue 46: accounting formats stayed texts
        ("($987.65)", ".", "-987.65"),
        ("4 709", ".", "4709"),  # moneymanagerex, issue 2662: a space between thousands
        ("1.234,56 €", ",", "1234.56"),
        ("3.5e-7", ".", "0.00000035"),  # theopenco/llmgateway, pull request 3218
        ("\u22120.5", ".", "-0.5"),
        ("0.1 USD", ".", "0.1"),
    ],
)
def test_an_amount_is_read_as_it_is_meant(text: str, mark: str, value: str) -> None:
    assert parse_amount(text, mark) == Decimal(value)


@pytest.mark.parametrize("text", ["1,23", "1.2.3", "twelve", "", "NaN", "1,2345", "Infinity"])
def test_an_amount_that_could_be_two_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a sum"):
        parse_amount(text)


def test_a_wrong_amount_is_named_with_its_line() -> None:
    with pytest.raises(BadBody, match=r"b\.csv: line 3: '1,5' is not a sum"):
        read_bill("b.csv", b'd,usd\n2026-01-05,1\n2026-01-06,"1,5"\n', MAPPING)


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(BadBody, match=r"b\.csv: no column 'usd'; it has d, eur"):
        read_bill("b.csv", b"d,eur\n2026-01-05,1\n", MAPPING)


def test_other_money_than_dollars_is_refused_unless_a_rate_is_given() -> None:
    text = 'provider = "p"\nday = "d"\namount = "usd"\ncurrency = "c"\n'
    body = b"d,usd,c\n2026-01-05,10,EUR\n"
    with pytest.raises(BadBody, match="amounts are in EUR"):
        read_bill("b.csv", body, parse_mapping(text, "m"))
    (line,) = read_bill("b.csv", body, parse_mapping(text + "usd_per_unit = 1.1\n", "m")).lines
    assert line.amount_usd == Decimal("11.0")


def test_a_semicolon_and_a_byte_order_mark_are_no_trouble() -> None:
    mapping = parse_mapping(
        'provider = "p"\nday = "d"\namount = "usd"\ndecimal_mark = ","\ndate_format = "%d.%m.%Y"\n', "m"
    )
    (line,) = read_bill("b.csv", "\ufeffd;usd\n05.01.2026;1.234,5\n".encode(), mapping).lines
    assert (f"{line.day}", line.amount_usd) == ("2026-01-05", Decimal("1234.5"))


def test_our_own_export_is_no_bill() -> None:
    body = b"BilledCost,ChargePeriodStart,x_Estimate\n1,2026-01-05T00:00:00Z,true\n"
    with pytest.raises(BadBody, match="an export of estimates"):
        read_bill("focus.csv", body)


def test_a_page_that_is_not_the_last_is_said() -> None:
    result = {"amount": {"value": 1, "currency": "usd"}, "line_item": "gpt-4o, input"}
    page = {"data": [{"start_time": 1767571200, "results": [result]}], "has_more": True}
    assert read_bill("b.json", json.dumps(page).encode()).warnings == (UNCUT_WARNING,)


def test_pages_may_come_a_line_each() -> None:
    result = {"amount": "150.5", "currency": "USD", "model": "claude-haiku-4-5", "cost_type": "tokens"}
    page = json.dumps({"data": [{"starting_at": "2026-01-05T00:00:00Z", "results": [result]}]})
    (line,) = read_bill("b.jsonl", f"{page}\n{page}\n".encode()).lines
    assert line.amount_usd == Decimal("3.01")


@pytest.mark.parametrize(
    "body", [b'{"a": 1}', b"[1]", b"{", b"a,b\n1,2\n", b"\xff\xfe", b'{"data":[{"starting_at":"x","results":[{}]}]}']
)
def test_what_is_no_bill_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody):
        read_bill("b", body)


def test_a_mapping_names_what_is_wrong_with_it() -> None:
    with pytest.raises(ConfigError, match="amout"):
        parse_mapping('provider = "p"\nday = "d"\namout = "usd"\n', "m.toml")
    with pytest.raises(ConfigError, match="whose bill"):
        parse_mapping('day = "d"\namount = "usd"\n', "m.toml")
