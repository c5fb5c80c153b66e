"""The pages of figures: what they show on traffic, what they offer for download, what a hostile address does."""

import pytest
from streamlit.testing.v1 import AppTest

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import AttributionQuery
from controlsurface.money.cost_attribution import AttributionArgs
from controlsurface.store.duckdb import DuckStore
from controlsurface.ui.data_quality.received_counts import COUNTER_MEANINGS
from tests.ui.conftest import Open
from tests.ui.test_pages import NASTY, html

FIGURES = ("routing.py", "latency.py", "cost.py", "data.py")


def columns(app: AppTest) -> list[set[str]]:
    """The columns of each table."""
    return [{*each.value.columns} for each in app.dataframe]


@pytest.mark.parametrize("page", FIGURES)
def test_every_table_can_be_downloaded(opened: Open, seeded_url: str, page: str) -> None:
    app = opened(seeded_url, page, range="7d")
    assert not app.exception
    assert len(app.get("download_button")) >= len(app.dataframe) > 0


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("page", "part", "names"), [("cost.py", "Export", ("week", "by")), ("compare.py", "", ("way", "one", "other"))]
)
def test_a_page_survives_any_value_of_its_own_parameters(
    opened: Open, seeded_url: str, page: str, part: str, names: tuple[str, ...]
) -> None:
    for value in NASTY:
        app = opened(seeded_url, page, part=part, **dict.fromkeys(names, value))
        assert not app.exception, ascii(value)
        assert "<script>" not in html(app), ascii(value)


def test_the_routing_page_breaks_escalation_down_by_kind(opened: Open, seeded_url: str) -> None:
    first = columns(opened(seeded_url, "routing.py", range="7d"))[0]
    assert {"task_type", "escalation_rate_routed", "escalation_rate_cascaded", "escalation_rate_fallback"} <= first


def test_a_table_row_leads_to_its_requests(opened: Open, seeded_url: str) -> None:
    links = opened(seeded_url, "routing.py", range="7d", lane="large").dataframe[0].value["open"]
    assert all(link.startswith("traces?") and "lane=large" in link and "range=7d" in link for link in links)
    assert any("task_type=code" in link for link in links)


def test_the_latency_page_shows_lanes_beside_all_of_them(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "latency.py", range="7d")
    assert [*app.dataframe[0].value["lane"]] == ["All", "cache", "large", "small", "unknown"]
    assert "P(small faster)" in html(app)


def test_lanes_of_few_requests_are_not_compared(opened: Open, seeded_url: str) -> None:
    said = html(opened(seeded_url, "latency.py", range="1h"))
    assert "200 of each are needed" in said or "no small and large lane" in said


def test_the_cost_page_shows_last_week_to_the_cent(opened: Open, seeded_url: str, seeded: DuckStore) -> None:
    app = opened(seeded_url, "cost.py", part="Export")
    week = app.selectbox(key="week").value
    (total,) = LocalClient(seeded).run(AttributionQuery(AttributionArgs(week=week))).rows.to_pylist()
    shown = app.dataframe[-1].value
    assert shown["cost_usd"].sum() == pytest.approx(float(total["cost_usd"]))
    assert "(unassigned)" in {*shown["team"]}


def test_the_week_and_breakdown_of_cost_are_in_the_address(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "cost.py", part="Export", by=["tenant"])
    assert app.multiselect(key="by").value == ["tenant"]
    assert {"tenant", "cost_usd"} < columns(app)[-1]


def test_router_versions_are_compared_with_what_they_rest_on(opened: Open, seeded_url: str) -> None:
    said = html(opened(seeded_url, "compare.py", range="7d", one="v1", other="v2"))
    assert "v1 against v2" in said
    assert "Escalation rate" in said
    assert " to " in said


def test_no_difference_of_totals_is_shown_of_two_arms(opened: Open, seeded_url: str) -> None:
    exposure = next(
        each for each in html(opened(seeded_url, "compare.py", range="7d")).split("<table") if "Share of both" in each
    )
    assert ">Cost<" in exposure
    assert "pp" not in exposure
    assert exposure.count("<th ") == 2  # A and B, and no difference


def test_two_arms_are_shown_with_their_whole_cost_and_where_it_crosses(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "compare.py", range="7d", one="v1", other="v2")
    whole = next(each for each in html(app).split("<table") if "All costs per 1,000 requests" in each)
    assert "of calls priced" in whole
    assert "of first failures" in whole
    (said,) = (each.value for each in app.markdown if "cost the same" in each.value)
    assert "of the calls of v" in said  # a part has no price, and so nothing is compared


def test_periods_are_compared_without_a_curve_of_costs(opened: Open, seeded_url: str) -> None:
    assert "All costs per 1,000" not in html(opened(seeded_url, "compare.py", range="24h", way="a week before"))


def test_the_comparison_of_two_arms_can_be_downloaded(opened: Open, seeded_url: str) -> None:
    names = [each.proto.label for each in opened(seeded_url, "compare.py", range="7d").get("download_button")]
    assert names.count("CSV") >= 2


def test_a_window_is_compared_with_the_week_before(opened: Open, seeded_url: str) -> None:
    assert "a week before against this window" in html(
        opened(seeded_url, "compare.py", range="24h", way="a week before")
    )


def test_one_router_version_alone_cannot_be_compared(opened: Open, seeded_url: str) -> None:
    assert "Fewer than two router versions" in html(opened(seeded_url, "compare.py", range="1h", way="router versions"))


def test_the_data_page_says_what_every_counter_means(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "data.py", range="7d")
    (ledger,) = (each.value for each in app.dataframe if {"what", "meaning"} <= {*each.value.columns})
    assert [*ledger["meaning"]] == [*COUNTER_MEANINGS.values()]


def test_the_data_page_calls_quarantined_spans_by_the_glossarys_word(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "data.py", range="7d")
    (ledger,) = (each.value for each in app.dataframe if {"what", "meaning"} <= {*each.value.columns})
    assert "quarantined" in {*ledger["what"]}
    assert "set aside" not in {*ledger["what"]}


def test_the_data_page_gives_the_line_that_assigns_a_lane(opened: Open, seeded_url: str) -> None:
    (lines,) = (each.value for each in opened(seeded_url, "data.py", range="7d").code if "models" in each.value)
    assert '"mystery-1"' in lines


def test_shares_of_few_rows_are_left_out(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "routing.py", range="1h")
    rows = app.dataframe[0].value
    assert rows.loc[rows["requests"] < 30, "escalation_rate"].isna().all()
