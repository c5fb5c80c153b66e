"""Where nobody names lanes, list prices place models, the same whatever the order, and say so where they cannot."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.lanes.price_inference import MIN_PRICE_RATIO, SeenModel, blended_price, infer_lanes, parameters_b

PRICES = {  # USD per million tokens, read and written
    "gemini-2.5-flash": ("0.3", "2.5"),
    "gpt-5-mini": ("0.25", "2"),
    "gpt-5": ("1.25", "10"),
    "claude-sonnet-4-5": ("3", "15"),
    "claude-opus-4": ("15", "75"),
}


def seen(*names: str) -> list[SeenModel]:
    """Models with the prices above, and without one where there is none."""
    return [SeenModel(name, blended_price(*map(Decimal, PRICES[name])) if name in PRICES else None) for name in names]


@pytest.mark.parametrize(
    ("names", "large", "unknown"),
    [
        (["gemini-2.5-flash", "gpt-5-mini", "claude-opus-4"], {"claude-opus-4"}, set()),
        (["gpt-5", "claude-sonnet-4-5", "gpt-5-mini"], {"gpt-5", "claude-sonnet-4-5"}, set()),
        (["gpt-5", "gpt-5-mini"], {"gpt-5"}, set()),
        (["gpt-5"], set(), {"gpt-5"}),
        (["gpt-5", "claude-sonnet-4-5"], set(), {"gpt-5", "claude-sonnet-4-5"}),
        (["acme-mini", "gpt-5-mini", "gpt-5"], {"gpt-5"}, {"acme-mini"}),
        (["acme-7b", "acme-70b-chat", "acme-8x7b"], {"acme-70b-chat", "acme-8x7b"}, set()),
        ([], set(), set()),
    ],
)
def test_models_are_placed_by_the_widest_gap_in_price_else_by_parameters_and_never_by_a_word(
    names: list[str], large: set[str], unknown: set[str]
) -> None:
    lanes = infer_lanes(seen(*names))
    assert {name for name, lane in lanes.items() if lane == "large"} == large
    assert {name for name, lane in lanes.items() if lane is None} == unknown
    assert {*lanes} == {*names}


def test_a_classifier_is_placed_by_the_cut_and_does_not_move_it() -> None:
    nano = SeenModel("nano", Decimal("0.1"), counted=False)
    assert infer_lanes([*seen("gpt-5-mini"), nano]) == {"gpt-5-mini": None, "nano": None}
    assert infer_lanes([*seen("gpt-5-mini", "gpt-5"), nano])["nano"] == "small"


def test_the_lowest_price_of_a_model_sold_at_several_counts() -> None:
    sold = [SeenModel("shared", Decimal(price)) for price in ("9", "1")]
    assert infer_lanes([*sold, SeenModel("dear", Decimal(10))]) == {"shared": "small", "dear": "large"}


def test_the_dearer_of_two_equal_price_gaps_counts() -> None:
    models = [SeenModel(name, Decimal(usd)) for name, usd in (("a", "0.1"), ("b", "0.5"), ("c", "2.5"))]
    assert infer_lanes(models) == {"a": "small", "b": "small", "c": "large"}


def test_a_blended_price_with_a_free_side_is_unknown() -> None:
    assert blended_price(Decimal(0), Decimal(1)) is None
    assert blended_price(Decimal(1), None) is None


@pytest.mark.parametrize(
    ("name", "size"),
    [("gemma3:27b", 27), ("phi-3.8b", 3.8), ("gpt-4o-mini", None), ("7bits", None), ("grab", None), ("o1-8b-it", 8)],
)
def test_a_model_size_is_a_number_of_parameters(name: str, size: float | None) -> None:
    assert parameters_b(name) == size


MODELS = st.lists(
    st.builds(
        SeenModel,
        st.sampled_from(["a", "b", "c", "d-7b", "e-70b"]),
        st.none() | st.decimals(min_value="0.01", max_value=100, places=2),
        st.booleans(),
    ),
    max_size=8,
)


@given(MODELS, st.randoms())
def test_inferred_lanes_do_not_depend_on_the_order_and_repetition_of_models(models: list[SeenModel], dice) -> None:  # type: ignore[no-untyped-def]
    again = [*models, *models[:2]]
    dice.shuffle(again)
    assert infer_lanes(again) == infer_lanes(models)


@given(MODELS)
def test_priced_small_models_cost_less_than_priced_large_ones_and_a_gap_lies_between(models: list[SeenModel]) -> None:
    lanes = infer_lanes(models)
    lowest = {name: min(m.usd for m in models if m.name == name and m.usd) for name in lanes if _priced(models, name)}
    counted = {m.name for m in models if m.counted}
    small = [usd for name, usd in lowest.items() if lanes[name] == "small" and name in counted and name in "abc"]
    large = [usd for name, usd in lowest.items() if lanes[name] == "large" and name in counted and name in "abc"]
    assert not (small and large) or max(small) * MIN_PRICE_RATIO <= min(large)


def _priced(models: list[SeenModel], name: str) -> bool:
    return any(m.usd for m in models if m.name == name)
