"""The user's price file: what it may say, and what it says for a model on a day."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from controlsurface.errors import ConfigError
from controlsurface.money.price_book import PriceBook, read_book


def written(folder: Path, text: str) -> Path:
    path = folder / "prices.toml"
    path.write_text(text)
    return path


def book(folder: Path, text: str) -> PriceBook:
    return read_book(written(folder, text))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ('model = "m"\ninptu = 1', "price.0.inptu: no such key; did you mean 'input'?"),
        ('model = "m"\ninput = 1\ncurrency = "euro"', "price.0.currency: String should match pattern"),
        ('model = "m"\nhardware = "gpus"', "price[0].hardware: no hardware named 'gpus'"),
        (
            'model = "m"\nhardware = "gpu"\n[[hardware]]\nname = "gpus"\ngpu_hour = 1',
            "price[0].hardware: no hardware named 'gpu'; did you mean 'gpus'?",
        ),
        ('model = "m"\nhardware = "gpus"\ninput = 1', "hardware is paid by the hour: its calls have no other price"),
        (
            'model = "m"\ninput = 1\n[[hardware]]\nname = "a"\ngpu_hour = 1\n[[hardware]]\nname = "a"\ngpu_hour = 2',
            "hardware[0] and hardware[1] hold for 'a' on the same days",
        ),
        ('model = "m"\ninput = 1\n[[hardware]]\nname = "a"\ngpu_hour = 999999\ngpus = 9', "less than a million"),
        ('model = "m"\ninput = 1\n[[exchange]]\ncurrency = "EUR"\nusd = 0', "exchange.0.usd"),
        ('model = "m"\ninput = 1\n[[exchange]]\ncurrency = "USD"\nusd = 1', "USD is what other currencies"),
        (
            'model = "m"\ninput = 1\n[[exchange]]\ncurrency = "EUR"\nusd = 1\n[[exchange]]\ncurrency = "EUR"\nusd = 2',
            "exchange[0] and exchange[1] hold for 'EUR' on the same days",
        ),
        ('model = "m"', "price.0: no price; a free model has input = 0"),
        ('model = "m"\noutput = 1\ncached_input = 1', "price.0: cached_input needs a price for input beside it"),
        ('model = "m"\ninput = 1\ncached_audio = 1', "cached_audio needs a price for audio_input beside it"),
        ('model = "m"\ninput = 1\naudio_output = 1', "audio_output needs a price for output beside it"),
        ('model = "m"\nweb_search = 1', "price.0: no price; a free model has input = 0"),
        ('model = "m"\ninput = 1\nservice_teir = "flex"', "no such key; did you mean 'service_tier'?"),
        (
            'model = "m"\ninput = 1\nservice_tier = "flex"\n[[price]]\nmodel = "m"\ninput = 2\nservice_tier = "FLEX"',
            "price[0] and price[1] hold for the same model",
        ),
        ('model = "m"\ninput = -1', "price.0.input: Input should be greater than or equal to 0"),
        ('model = "m"\ninput = nan', "price.0.input: Input should be a finite number"),
        ('model = "m"\ninput = 1\nvalid_from = 2026-01-02\nvalid_to = 2026-01-02', "valid_to must be after valid_from"),
        ('model = "m"\ninput = 1\n[[price]]\nmodel = "m"\ninput = 2', "price[0] and price[1] hold for the same model"),
        ("model = ", "Invalid value"),
    ],
)
def test_a_wrong_price_file_is_refused_with_its_place(tmp_path: Path, row: str, problem: str) -> None:
    path = written(tmp_path, f"[[price]]\n{row}\n")
    with pytest.raises(ConfigError) as raised:
        read_book(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert problem in str(raised.value)


def test_a_price_file_that_is_not_there_is_an_error_but_no_file_is_an_empty_book(tmp_path: Path) -> None:
    assert read_book(None) == PriceBook()
    with pytest.raises(ConfigError, match=r"gone\.toml"):
        read_book(tmp_path / "gone.toml")


def test_the_first_matching_row_of_the_price_file_decides(tmp_path: Path) -> None:
    rows = '[[price]]\nmodel = "slm-*"\ninput = 1\n[[price]]\nmodel = "*"\ninput = 2'
    charged = [[rate.prices.input for rate in book(tmp_path, rows).rates(None, name)] for name in ("slm-7b", "x")]
    assert charged == [[1], [2]]


def test_a_glob_sees_the_model_with_and_without_its_prefix_in_any_case(tmp_path: Path) -> None:
    prices = book(tmp_path, '[[price]]\nmodel = "QWEN2.5-7b*"\ninput = 1')
    assert prices.rates("vllm", "Qwen/Qwen2.5-7B-Instruct")
    assert not prices.rates("vllm", "Qwen/Qwen2.5-72B-Instruct")


def test_a_row_for_a_provider_holds_for_no_other_and_not_where_none_is_named(tmp_path: Path) -> None:
    prices = book(tmp_path, '[[price]]\nmodel = "m"\nprovider = "vl*"\ninput = 1')
    assert [bool(prices.rates(provider, "m")) for provider in ("vLLM", "openai", None)] == [True, False, False]


def test_days_between_price_rows_fall_to_the_next_row_or_to_none(tmp_path: Path) -> None:
    early = '[[price]]\nmodel = "m"\ninput = 1\nvalid_to = 2026-01-01\n'
    late = '[[price]]\nmodel = "m"\ninput = 2\nvalid_from = 2026-02-01'
    spans = {rate.days: rate.prices.input for rate in book(tmp_path, early + late).rates(None, "m")}
    assert spans == {(None, date(2026, 1, 1)): 1, (date(2026, 2, 1), None): 2}


def test_tiers_follow_one_another_without_gap_or_overlap(tmp_path: Path) -> None:
    rows = '[[price]]\nmodel = "m"\ninput = 2\ntier_from = 1000\n[[price]]\nmodel = "m"\ninput = 1'
    tiers = {rate.tier: rate.prices.input for rate in book(tmp_path, rows).rates(None, "m")}
    assert tiers == {(0, 1000): 1, (1000, None): 2}


def test_a_price_for_batch_leaves_realtime_to_the_other_row(tmp_path: Path) -> None:
    rows = '[[price]]\nmodel = "m"\ninput = 2\n[[price]]\nmodel = "m"\ninput = 1\nmode = "batch"'
    modes = {rate.mode: rate.prices.input for rate in book(tmp_path, rows).rates(None, "m")}
    assert modes == {"realtime": 2, "batch": 1}


def test_a_row_for_the_default_tier_holds_for_calls_that_name_none(tmp_path: Path) -> None:
    prices = book(tmp_path, '[[price]]\nmodel = "m"\ninput = 1\nservice_tier = "default"')
    assert [bool(prices.rates(None, "m", tier)) for tier in (None, "flex")] == [True, False]


def test_a_web_search_is_charged_at_a_thousandth_of_what_a_thousand_cost(tmp_path: Path) -> None:
    (rate,) = book(tmp_path, '[[price]]\nmodel = "m"\ninput = 1\nweb_search = 10').rates(None, "m")
    assert rate.prices.web_search == Decimal("0.01")
