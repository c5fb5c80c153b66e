"""What is rendered: pinned SQL, names from closed sets, values as parameters, and a bound on rows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.client.queries import request_list
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.client.queries.request_list import RequestsArgs
from controlsurface.errors import BadRequest, UnknownName
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.contributors import contributor_query
from controlsurface.metrics.contributors.contributor_query import ContributorsArgs
from controlsurface.metrics.contributors.region_query import RegionArgs, render_region
from controlsurface.metrics.queries import batch_query, dimension_values, distribution_query, event_query
from controlsurface.metrics.queries.batch_query import BatchArgs, query_passes
from controlsurface.metrics.queries.dimension_values import DimensionsArgs
from controlsurface.metrics.queries.distribution_query import DistributionArgs
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.metrics.queries.metric_query import MetricArgs, render_metric
from controlsurface.metrics.rollups.measure_source import ReadRange, stored_rows_plan
from controlsurface.query import statement
from controlsurface.query.arguments import FilteredRange
from controlsurface.query.statement import Statement

GOLDEN = Path(__file__).parent / "golden"
WINDOW: dict[str, Any] = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-08T00:00:00Z"}
FILTERED: dict[str, Any] = WINDOW | {"where": ["tenant:acme", "tenant:", "lane:small", "lane:large"]}
BASELINE: dict[str, Any] = {"baseline_start": "2025-12-25", "baseline_end": "2026-01-01"}

HOUR = timedelta(hours=1)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
BOTH = replace(
    stored_rows_plan(FilteredRange(**WINDOW)),
    raw=(ReadRange(FIRST, FIRST + HOUR), ReadRange(FIRST + 5 * HOUR, FIRST + 6 * HOUR)),
    rolled=ReadRange(FIRST + HOUR, FIRST + timedelta(days=7)),
    holes=(ReadRange(FIRST + 5 * HOUR, FIRST + 6 * HOUR),),
    exact=False,
)

PINNED = {name: render_metric(MetricArgs(metric=name)) for name in CATALOG} | {
    "escalation_rate-by-task_type-every-1h": render_metric(
        MetricArgs(metric="escalation_rate", by="task_type", every="1h", **FILTERED)
    ),
    "request_share-by-lane-every-1d": render_metric(
        MetricArgs(metric="request_share", by="lane", every="1d", **WINDOW)
    ),
    "cost-by-lane-model": render_metric(MetricArgs(metric="cost", by="lane,model", **WINDOW)),
    "distribution-confidence-every-1h": distribution_query.render_distribution(
        DistributionArgs(column="confidence", every="1h", **WINDOW)
    ),
    "distribution-latency_ms-by-lane": distribution_query.render_distribution(
        DistributionArgs(column="latency_ms", by="lane", **FILTERED)
    ),
    "escalation_rate-by-lane-planned": render_metric(
        MetricArgs(metric="escalation_rate", by="lane", every="1h", **FILTERED),
        replace(BOTH, rollup="requests_owners_1h"),
    ),
    "latency_p95-by-lane-planned": render_metric(
        MetricArgs(metric="latency_p95", by="lane", **WINDOW), replace(BOTH, rollup="requests_latency_ms_1h")
    ),
    "disagreement_rate-by-task_type": render_metric(MetricArgs(metric="disagreement_rate", by="task_type", **WINDOW)),
    "several-by-task_type": batch_query.render_pass(
        query_passes(BatchArgs(metrics="requests,escalation_rate,cost_per_request", by="task_type", **WINDOW))[0]
    ),
    "several-quantiles-planned": batch_query.render_pass(
        query_passes(BatchArgs(metrics="latency_p50,latency_p95", **WINDOW))[0],
        replace(BOTH, rollup="requests_latency_ms_1h"),
    ),
    "dimensions": dimension_values.render_dimensions(DimensionsArgs(dimension="lane,tenant", **WINDOW)),
    "contributors-ratio": contributor_query.render_contributors(
        ContributorsArgs(metric="escalation_rate", **FILTERED, **BASELINE)
    ),
    "contributors-total": contributor_query.render_contributors(ContributorsArgs(metric="cost", **WINDOW, **BASELINE)),
    "contributors-quantile": contributor_query.render_contributors(
        ContributorsArgs(metric="latency_p95", **WINDOW, **BASELINE), 2000
    ),
    "region-latency": render_region(
        RegionArgs(
            column="latency_ms", low=100, high=900, region_start="2026-01-02", region_end="2026-01-03", **FILTERED
        )
    ),
    "events": event_query.render_events(EventsArgs(**WINDOW)),
    "requests-near_threshold": request_list.render_requests(
        RequestsArgs(order="near_threshold", escalated=True, confidence_min=0.5, trace_id="ab" * 16, **FILTERED)
    ),
}


@pytest.mark.parametrize("name", PINNED)
def test_the_rendered_statement_is_the_one_that_was_reviewed(name: str) -> None:
    assert PINNED[name].sql + "\n" == (GOLDEN / f"{name}.sql").read_text("utf-8")


def test_every_golden_file_has_its_statement() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*PINNED}


@given(st.lists(st.text(min_size=1, max_size=30).filter(lambda text: text.isprintable()), min_size=1, max_size=5))
def test_a_value_never_becomes_text_of_the_statement(texts: list[str]) -> None:
    calm = render_metric(
        MetricArgs(metric="cost", where=[f"tenant:{number}" for number, _ in enumerate(dict.fromkeys(texts))])
    )
    wild = render_metric(MetricArgs(metric="cost", where=[f"tenant:{text}" for text in texts]))
    assert wild.sql == calm.sql
    assert {*texts} <= {*wild.parameters.values()}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"metric": "escalation_rat"}, "no metric named 'escalation_rat'; did you mean 'escalation_rate'?"),
        ({"metric": "cost", "by": "lanes"}, "no dimension of attempts named 'lanes'; did you mean 'lane'?"),
        ({"metric": "cost", "where": ["lanes:x"]}, "did you mean 'lane'?"),
        ({"metric": "cost", "where": ["lane"]}, "where: 'lane' is not dimension:value"),
        ({"metric": "requests", "by": "purpose"}, "no dimension of requests named 'purpose'"),
        ({"metric": "cost", "by": "lane; DROP TABLE requests"}, "no dimension"),
        ({"metric": "cost", "by": "lane,tenant,team,job,mode"}, "by: "),
        ({"metric": "cost", "every": "1ms"}, "every: "),
        ({"metric": "cost", "every": "fortnight"}, "every: 'fortnight' is not a duration"),
        ({"metric": "cost", "start": "yesterday"}, "start: 'yesterday' is not a time"),
        ({"metric": "cost", "start": "2026-01-02", "end": "2026-01-01"}, "lies before start"),
        ({"metric": "cost", "strat": "now"}, "strat: no such argument; did you mean 'start'?"),
    ],
)
def test_an_invalid_metric_query_is_refused_with_the_nearest_right_argument(
    arguments: dict[str, Any], problem: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        render_metric(MetricArgs(**arguments))
    assert problem in str(refused.value)


def test_an_unknown_name_is_an_error_of_its_own() -> None:
    with pytest.raises(UnknownName):
        render_metric(MetricArgs(metric="nonsense"))


def test_a_result_of_too_many_rows_is_refused_and_not_cut(reader: LocalClient, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = MetricArgs(metric="requests", every="1h", by="task_type")
    rows = reader.run(MetricQuery(wanted)).rows.num_rows
    monkeypatch.setattr(statement, "MAX_ROWS", rows - 1)
    with pytest.raises(BadRequest, match="rows; take a longer every"):
        reader.run(MetricQuery(wanted))
    monkeypatch.setattr(statement, "MAX_ROWS", rows)
    assert reader.run(MetricQuery(wanted)).rows.num_rows == rows


def test_a_result_shows_its_statement_with_readable_values(reader: LocalClient) -> None:
    answer = reader.run(MetricQuery(MetricArgs(metric="requests", every="1h", where=["lane:small"], **WINDOW)))
    assert "$every" in answer.sql
    assert answer.parameters == {
        "start": "2026-01-01T00:00:00+00:00",
        "end": "2026-01-08T00:00:00+00:00",
        "lane_0": "small",
        "every": "3600.0s",
        "row_limit": 50_001,
    }


def test_the_rendered_statement_does_not_depend_on_who_asks() -> None:
    assert isinstance(PINNED["cost"], Statement)
    assert render_metric(MetricArgs(metric="cost")) == PINNED["cost"]
