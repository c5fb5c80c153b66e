"""Figures of a table are written as anywhere else, whatever one format of the browser can say."""

import polars as pl
import pyarrow as pa
import pytest

from controlsurface.ui.widgets.data_table import displayed_rows


def cells(values: list[float | None], unit: str) -> list[str]:
    """What stands in a column: our own words, else the numbers that the browser writes."""
    found = displayed_rows(pl.DataFrame({"figure": values}, schema={"figure": pl.Float64}), {"figure": unit})
    if isinstance(found, pa.Table):
        return [str(each) for each in found["figure"].to_pylist()]
    return [line.partition("|")[2] for line in found.to_string(delimiter="|").splitlines()[1:]]


@pytest.mark.parametrize(
    ("values", "unit", "texts"),
    [
        ([26_000.0, 4.01, None], "ms", ["26 s", "4.01 ms", "–"]),  # one unit would make 0.00401 s of it
        ([26_000.0, 191.0], "ms", ["26.0", "0.191"]),
        ([205.0, 4.0], "ms", ["205.0", "4.0"]),
        ([3_600_000.0, 12_000.0], "ms", ["3600.0", "12.0"]),
        ([-3.0, 0.00281], "usd", ["-$3.00", "$0.00281"]),
        ([-0.0002, 0.123456], "ratio", ["0.0", "12.3"]),  # and not -0.0 %
    ],
)
def test_a_column_is_written_in_units_that_fit_all_of_its_values(
    values: list[float | None], unit: str, texts: list[str]
) -> None:
    assert cells(values, unit) == texts
