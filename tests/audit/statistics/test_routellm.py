"""RouteLLM's figures of routers on its own GSM8K table, with its conventions."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from controlsurface.audit.diagnostics import router_curve


@pytest.fixture(scope="module")
def gsm8k(shared_data: Path) -> pl.DataFrame:
    return pl.read_parquet(shared_data / "routellm/gsm8k.parquet").filter(~pl.col("contaminated"))


def answers(table: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    weak, strong = (table[name].cast(pl.Float64).to_numpy() for name in ("weak_correct", "strong_correct"))
    return weak, strong, np.ones(len(weak))


def test_the_length_of_a_prompt_as_a_router_has_the_published_conventions_figures(gsm8k: pl.DataFrame) -> None:
    found = router_curve(gsm8k["prompt"].str.len_chars().cast(pl.Float64).to_numpy(), *answers(gsm8k))
    assert found is not None
    assert [round(100 * found.calls_for(level), 4) for level in (0.2, 0.5, 0.8)] == [10.5080, 36.5133, 66.6565]
    assert round(found.average_recovered(), 4) == 0.5987
    assert (found.strong_share[0], found.strong_share[-1]) == (0, pytest.approx(1))


def test_a_router_that_tosses_coins_recovers_half_the_gap(gsm8k: pl.DataFrame) -> None:
    random, graded = np.random.default_rng(5), answers(gsm8k)
    found = [each for _ in range(200) if (each := router_curve(random.random(len(gsm8k)), *graded)) is not None]
    apgr = np.array([each.average_recovered() for each in found])
    calls = np.array([[each.calls_for(0.5), each.calls_for(0.8)] for each in found])
    assert apgr.mean() == pytest.approx(0.50, abs=4 * apgr.std() / 200**0.5)
    assert calls.mean(axis=0) == pytest.approx([0.5, 0.8], abs=0.01)
    assert apgr.std() < 0.05


def test_a_router_curve_of_two_equal_models_has_no_gap_to_recover() -> None:
    grades = np.array([1.0, 0.0])
    assert router_curve(np.array([0.2, 0.8]), grades, grades[::-1].copy(), np.ones(2)) is None
