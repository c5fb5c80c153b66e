"""Triage explains a selection: the one in the address, or the whole view; nonsense in the address selects nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from controlsurface.metrics.contributors.contributor_query import BASELINES, Baseline, baseline_window
from tests.ui.conftest import Open
from tests.ui.test_pages import html

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
HOUR = timedelta(hours=1)
SPIKE = {"spike_from": f"{NOW - 30 * HOUR:%Y-%m-%dT%H:%M}", "spike_to": f"{NOW - 6 * HOUR:%Y-%m-%dT%H:%M}"}


def test_a_selection_in_the_address_is_explained(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "triage.py", range="7d", **SPIKE)
    assert not app.exception
    assert f"{NOW - 30 * HOUR:%b %d %H:%M} to" in html(app)
    assert "cs-conclusion" in html(app)
    assert any("Clear" in button.label for button in app.button)


def test_a_cleared_selection_is_out_of_the_address(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "triage.py", range="7d", **SPIKE)
    next(button for button in app.button if "Clear" in button.label).click().run()
    assert "spike_from" not in app.query_params


@pytest.mark.parametrize("against", BASELINES)
@pytest.mark.parametrize("metric", ["escalation_rate", "cost", "latency_mean", "requests"])
def test_every_baseline_explains_totals_means_and_shares(
    opened: Open, seeded_url: str, metric: str, against: str
) -> None:
    app = opened(seeded_url, "triage.py", range="24h", metric=metric, against=against)
    assert not app.exception
    assert "Top contributors" in html(app)
    assert any("Contribution: what a value has more" in each.value for each in app.caption)
    assert BASELINES[against] in html(app)  # type: ignore[index]


@pytest.mark.parametrize("edge", ["", "soon", "<script>", "0001-01-01T00:00", "9999-12-31T23:59", "\0"])
def test_an_invalid_selection_is_ignored(opened: Open, seeded_url: str, edge: str) -> None:
    app = opened(seeded_url, "triage.py", spike_from=edge, spike_to=SPIKE["spike_to"])
    assert not app.exception
    assert not any("Clear" in button.label for button in app.button)


@pytest.mark.parametrize("value", ["", "<script>", "latency_p95", "\0"])
def test_an_unknown_metric_or_baseline_is_the_default_one(opened: Open, seeded_url: str, value: str) -> None:
    app = opened(seeded_url, "triage.py", metric=value, against=value)
    assert not app.exception
    assert BASELINES["before"] in html(app)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("hours", [1, 24, 25, 24 * 7, 24 * 10])
def test_a_baseline_ends_before_its_selection_begins(name: Baseline, hours: int) -> None:
    start = NOW - hours * HOUR
    first, last = baseline_window(name, start, NOW)
    assert last - first == NOW - start
    assert last <= start


def test_the_previous_period_begins_with_the_view() -> None:
    assert baseline_window("before", NOW - HOUR, NOW, NOW - 9 * HOUR) == (NOW - 9 * HOUR, NOW - HOUR)


def test_a_metric_is_chosen_by_its_title_and_named_in_the_address_by_its_id(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "triage.py", range="24h", metric="latency_p95", against="last_week")
    assert "Latency P95" in html(app)
    assert "All figures are about the share of requests above" in " ".join(each.value for each in app.caption)
    app.selectbox(key="metric latency_p95").select("cost").run()
    assert app.query_params["metric"] in ("cost", ["cost"])
    assert not app.exception
