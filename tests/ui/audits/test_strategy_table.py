"""The tab Strategies of the page What-if: every strategy, with its interval or its bounds, and what it assumes."""

from controlsurface.ui.audits.strategy_table import NAMES, quality_range
from tests.ui.conftest import Open


def test_the_strategies_are_shown_with_what_they_rest_on(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "what_if.py", range="3d", part="Strategies")
    assert not app.exception
    table = app.dataframe[0].value
    assert [*table["strategy"]] == [*NAMES.values()]
    assert any("Content classifier: no evidence" in each.value for each in app.markdown)
    assert any("Quality is agreement with the large lane" in each.value for each in app.caption)


def test_the_strategies_of_an_empty_window_say_that_there_is_nothing_to_compare(opened: Open, empty_url: str) -> None:
    app = opened(empty_url, "what_if.py", part="Strategies")
    assert not app.exception
    assert any("Nothing to compare" in each.proto.body for each in app.get("html"))


def test_a_quality_without_evidence_is_shown_by_its_bounds() -> None:
    ends = {"quality_low": 0.8, "quality_high": 0.9, "quality_lowest": 0.7, "quality_highest": 0.95}
    assert quality_range({"quality": 0.85, **ends}) == "80.0 % to 90.0 %"
    assert quality_range({"quality": None, **ends}) == "no evidence: 70.0 % to 95.0 %"
