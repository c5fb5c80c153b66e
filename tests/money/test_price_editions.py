"""A call keeps the prices it was priced by, whatever the price file says when its trace is derived again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from controlsurface.collector.ingest_engine import IngestEngine, running_engine
from controlsurface.config import Config
from controlsurface.ingest.wire.otlp_request import RequestBody
from controlsurface.money.price_book import PriceBook, read_book
from controlsurface.money.price_edition import PriceEdition
from tests.ingest.spans import S, body, call, route
from tests.lanes import LANES

CHEAP = "[[price]]\nmodel = 'slm'\ninput = 1\noutput = 2\n"
DEAR = "[[price]]\nmodel = 'slm'\ninput = 10\noutput = 20\n"
OTHER = "[[price]]\nmodel = 'other'\ninput = 1\noutput = 1\n"
TOKENS: dict[str, Any] = {"gen_ai__usage__input_tokens": 1000, "gen_ai__usage__output_tokens": 500}
AT_CHEAP, AT_DEAR = Decimal("0.002"), Decimal("0.02")  # 1,000 x 1 + 500 x 2, and ten times that, per million


@contextmanager
def serving(folder: Path, prices: str, **costs: Any) -> Iterator[IngestEngine]:
    """The store, open with this price file."""
    (folder / "prices.toml").write_text(prices)
    settings = {"lanes": LANES}
    config = Config.model_validate(settings | {"costs": {"prices": str(folder / "prices.toml"), **costs}})
    with running_engine(folder / "data", config) as engine:
        yield engine


def send(engine: IngestEngine, *spans: S) -> None:
    engine.intake.take(RequestBody("traces", body(*spans)))
    assert engine.writer.drain()


def answered(trace: int, **more: Any) -> S:
    """A call of the small model; its trace's other spans come later."""
    return call(2, 1, trace=trace, model="slm", **TOKENS, **more)


def costs(engine: IngestEngine) -> list[Decimal | None]:
    """What the request of each trace costs, in order, after a look that its call costs the same."""
    joined = "attempts AS a JOIN requests AS r USING (trace_id)"
    sql = f"SELECT a.cost_usd AS of_call, r.cost_usd AS of_request FROM {joined} ORDER BY trace_id"
    rows = engine.store.state(sql).to_pylist()
    assert all(row["of_call"] == row["of_request"] for row in rows)
    return [row["of_call"] for row in rows]


def test_a_late_span_changes_no_price(tmp_path: Path) -> None:
    with serving(tmp_path, CHEAP) as engine:
        send(engine, answered(1))
        assert costs(engine) == [AT_CHEAP]
    with serving(tmp_path, DEAR) as engine:
        send(engine, route(1, trace=1))  # derives the trace again
        send(engine, route(1, trace=2), answered(2))
        assert costs(engine) == [AT_CHEAP, AT_DEAR]


def test_a_call_that_had_no_price_gets_none_by_being_derived_again(tmp_path: Path) -> None:
    with serving(tmp_path, OTHER) as engine:
        send(engine, answered(1))
    with serving(tmp_path, CHEAP) as engine:
        send(engine, route(1, trace=1))
        assert costs(engine) == [None]


@pytest.mark.parametrize("believed", [True, False])
def test_a_late_span_keeps_whether_costs_on_spans_were_believed(tmp_path: Path, believed: bool) -> None:
    expected = Decimal("0.5") if believed else None
    with serving(tmp_path, "", trust_spans=believed) as engine:
        send(engine, answered(1, controlsurface__cost_usd=0.5))
        assert costs(engine) == [expected]
    with serving(tmp_path, "", trust_spans=not believed) as engine:
        send(engine, route(1, trace=1))
        assert costs(engine) == [expected]


def test_a_model_that_a_late_copy_of_an_old_call_names_is_priced_by_the_old_book(tmp_path: Path) -> None:
    nameless = answered(1)
    known = {name: said for name, said in nameless.attributes.items() if name != "gen_ai.request.model"}
    with serving(tmp_path, CHEAP) as engine:
        send(engine, replace(nameless, attributes=known | {"gen_ai.response.id": "r-1"}))
        assert costs(engine) == [None]
    with serving(tmp_path, DEAR) as engine:
        send(engine, replace(nameless, attributes={**nameless.attributes, "gen_ai.response.id": "r-1"}))
        assert costs(engine) == [AT_CHEAP]


def test_a_changed_price_file_is_an_event_and_the_same_file_is_none(tmp_path: Path) -> None:
    for prices, expected in ((CHEAP, 0), (CHEAP + "# a remark\n", 0), (DEAR, 1), (CHEAP, 2)):
        with serving(tmp_path, prices) as engine:
            events = engine.store.state("SELECT * FROM events WHERE kind = 'price'").num_rows
            editions = engine.store.state("SELECT in_force FROM price_editions")["in_force"].to_pylist()
        assert (events, editions.count(True)) == (expected, 1)
    assert len(editions) == 1  # no call has the prices of the other


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (CHEAP, "# mine\n" + CHEAP.replace("input = 1", "input = 1.00"), True),
        (CHEAP, CHEAP + "tier_from = 0\n", True),
        (CHEAP, DEAR, False),
        (CHEAP, CHEAP + OTHER, False),
    ],
)
def test_an_edition_is_told_by_what_it_charges_and_not_by_how_it_is_written(
    tmp_path: Path, one: str, other: str, same: bool
) -> None:
    def fingerprint(text: str) -> str:
        (tmp_path / "prices.toml").write_text(text)
        return PriceEdition(read_book(tmp_path / "prices.toml")).fingerprint

    assert (fingerprint(one) == fingerprint(other)) is same


def test_what_a_price_depends_on_besides_the_file_makes_another_edition() -> None:
    editions = [
        PriceEdition(PriceBook()),
        PriceEdition(PriceBook(), trusts_spans=False),
        PriceEdition(PriceBook(), list_version="0"),
    ]
    assert len({each.fingerprint for each in editions}) == len(editions)


def test_an_edition_comes_back_from_its_content_to_the_last_digit() -> None:
    rows = [{"model": "m", "input": Decimal("0.000000000001"), "output": Decimal("999999.999999999999")}]
    book = PriceBook.model_validate({"price": rows})
    again = PriceBook.model_validate_json(PriceEdition(book).content)
    assert again == book
    assert [rate.prices for rate in again.rates(None, "m")] == [rate.prices for rate in book.rates(None, "m")]
