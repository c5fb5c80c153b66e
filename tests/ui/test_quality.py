"""Quality: shares with their intervals, refusals that say why, and warnings only where enough is known."""

import pytest

from tests.ui.conftest import Open
from tests.ui.test_pages import html


@pytest.mark.parametrize("by", ["Task type", "Lane", "Confidence", "Model"])
def test_disagreement_is_broken_down_with_intervals(opened: Open, seeded_url: str, by: str) -> None:
    app = opened(seeded_url, "quality.py", range="28d", by=by)
    assert not app.exception
    assert {"value", "low", "high", "n", "ac1"} <= {*app.dataframe[0].value.columns}


def test_a_share_of_few_pairs_is_not_shown(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "quality.py", range="28d")
    rows = app.dataframe[0].value
    assert rows[rows["n"] < 30]["value"].isna().all()
    assert "fewer than 30 pairs are too few" in " ".join(each.value for each in app.caption)


def test_calibration_is_refused_with_its_reason(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "quality.py", part="Calibration", range="28d")
    assert "No calibration" in html(app)
    assert "under 500 the figure would be mostly noise" in html(app)
    assert not app.get("plotly_chart")


def test_filters_that_pairs_do_not_know_are_named(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "quality.py", range="28d", environment="production")
    assert not app.exception
    assert "Pairs do not know environment" in " ".join(each.value for each in app.caption)
