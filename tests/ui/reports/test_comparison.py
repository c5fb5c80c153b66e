"""What moved against last week, and what is only chance."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.metrics.catalog import CATALOG
from controlsurface.ui.data.comparison import MetricValue, change_verdict, compare_breakdown, has_moved
from controlsurface.ui.widgets.data_table import largest_mover, rank_rows

RATE = CATALOG["escalation_rate"]
SHARES = st.floats(0, 1)


def share(value: float, half: float = 0.01) -> MetricValue:
    return MetricValue(value, 1000, value - half, value + half)


@given(SHARES)
def test_a_share_that_stays_has_not_moved(value: float) -> None:
    assert not has_moved(share(value), share(value))


def test_a_change_within_both_intervals_is_chance() -> None:
    assert not has_moved(share(0.20), share(0.21))
    assert has_moved(share(0.20), share(0.22))


def test_an_unknown_value_has_not_moved() -> None:
    assert not has_moved(MetricValue(), share(0.2))
    assert change_verdict(RATE, share(0.2), MetricValue()) == ""


def test_the_metric_says_which_direction_is_better() -> None:
    assert change_verdict(RATE, share(0.3), share(0.2)) == "worse"
    assert change_verdict(CATALOG["cache_hit_rate"], share(0.3), share(0.2)) == "better"
    assert change_verdict(CATALOG["requests"], MetricValue(200, 200), MetricValue(100, 100)) == ""


def rows(**values: float) -> pl.DataFrame:
    names = [None if name == "unknown" else name for name in values]
    half = [0.01] * len(values)
    columns = {"task_type": names, "value": list(values.values()), "half": half, "n": [1000] * len(values)}
    frame = pl.DataFrame(columns, schema_overrides={"task_type": pl.String, "value": pl.Float64, "half": pl.Float64})
    low, high = pl.col("value") - pl.col("half"), pl.col("value") + pl.col("half")
    return frame.with_columns(low=low, high=high).drop("half")


def test_rows_of_unknown_value_are_compared_too() -> None:
    (row,) = compare_breakdown(rows(unknown=0.5), rows(unknown=0.2), "task_type").to_dicts()
    assert round(row["delta"], 9) == 0.3
    assert row["moved"]


def test_a_row_missing_last_week_has_no_delta() -> None:
    (row,) = compare_breakdown(rows(code=0.5), rows(chat=0.2), "task_type").to_dicts()
    assert row["delta"] is None
    assert not row["moved"]


def test_the_largest_mover_is_the_row_that_moved_most() -> None:
    compared = compare_breakdown(rows(a=0.9, b=0.5, c=0.3), rows(a=0.9, b=0.4, c=0.4), "task_type")
    assert largest_mover(compared, "task_type")[:2] in {("b", True), ("c", True)}
    assert largest_mover(compare_breakdown(rows(a=0.1, b=0.5), rows(a=0.1, b=0.5), "task_type"), "task_type")[:2] == (
        "b",
        False,
    )


def test_the_largest_mover_of_no_rows_is_none() -> None:
    assert largest_mover(compare_breakdown(rows(), rows(), "task_type"), "task_type") == (..., False, "")


def test_a_row_of_too_few_requests_is_last_and_without_a_value() -> None:
    few = rows(a=0.1, b=0.9, c=0.5).with_columns(n=pl.Series([1000, 5, 1000]))
    assert rank_rows(few)["task_type"].to_list() == ["c", "a", "b"]
    assert rank_rows(few)["value"].to_list() == [0.5, 0.1, None]
