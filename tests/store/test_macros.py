"""The small functions of the schema: values as senders write them, as SQL types."""

from typing import Any

import pytest

from controlsurface.store.duckdb import DuckStore

STORE = DuckStore.in_memory()


def value(sql: str, *params: object) -> Any:
    return STORE.state(f"SELECT {sql} AS value", params)["value"][0].as_py()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("13", 13),
        ("13.0", 13),
        ("0", 0),
        ("-1", None),
        ("true", None),
        ("1.5", None),
        ("", None),
        ("$3", None),
        ("9" * 30, None),
    ],
)
def test_to_count_takes_a_whole_number_and_nothing_else(text: str, count: int | None) -> None:
    assert value("to_count(?)", text) == count


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2.6e-05", 2.6e-05),
        ("-0.15", -0.15),
        ("NaN", None),
        ("Infinity", None),
        ("1e999", None),
        ("$1", None),
        ("1.2.3", None),
    ],
)
def test_to_number_gives_only_finite_numbers(text: str, number: float | None) -> None:
    assert value("to_number(?)", text) == number


@pytest.mark.parametrize(("text", "flag"), [("True", True), ("0", False), ("no", False), ("maybe", None)])
def test_to_flag_gives_true_false_or_unknown(text: str, flag: bool | None) -> None:
    assert value("to_flag(?)", text) is flag


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("openai/slm-7b-2026-01-01", "slm-7b"),
        ("slm-7b", "slm-7b"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("a/b/qwen3-4b", "qwen3-4b"),
        ("gpt-4o@20240806", "gpt-4o"),
    ],
)
def test_model_name_gives_one_model_one_name(raw: str, name: str) -> None:
    assert value("model_name(?)", raw) == name


@pytest.mark.parametrize(
    ("x", "kind", "scaled"),
    [
        (1.0000000000000002, "probability", 1.0),
        (87.0, "probability", None),
        (-0.15, "score", -0.15),
        (-0.2, "cosine", -0.2),
        (-0.2, "probability", None),
        (0.5, None, 0.5),
    ],
)
def test_a_confidence_stays_on_the_scale_of_its_kind(x: float, kind: str | None, scaled: float | None) -> None:
    assert value("on_scale(?::DOUBLE, ?::VARCHAR)", x, kind) == scaled


@pytest.mark.parametrize(
    ("rate", "weight"), [(0.1, 10.0), (1.0, 1.0), (0.0, 1.0), (None, 1.0), (1e-30, 1e6), (7.0, 1.0)]
)
def test_a_sampled_request_stands_for_those_not_sent(rate: float | None, weight: float) -> None:
    assert value("weight_of(?::DOUBLE)", rate) == weight
