"""The OpenAPI document is complete and true: schemathesis believes it and looks for a contradiction."""

import re
from typing import Any

import schemathesis
from hypothesis import settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from controlsurface.api.openapi import openapi_document
from controlsurface.api.registry import QUERIES
from controlsurface.client.query_protocol import arguments_of
from controlsurface.metrics.catalog import CATALOG
from tests.api.conftest import Get

described = schemathesis.openapi.from_dict(openapi_document())


@described.parametrize()
@settings(max_examples=20)
def test_the_api_answers_as_its_openapi_document_says(case: Any, url: str) -> None:
    answer = case.call(base_url=url)
    # Acceptance is not promised: a schema cannot say that start lies before end, or which dimension a metric has.
    if len(answer.request.url) < 60_000:  # uvicorn's own limit is near; over it, the application is not reached
        case.validate_response(answer, excluded_checks=[positive_data_acceptance])


def test_the_openapi_document_describes_every_path_of_the_contract(get: Get) -> None:
    paths = get("/api/openapi.json").json()["paths"]
    contract = (
        "metrics query queries distribution requests requests/{request_id} traces/{trace_id} ingest dimensions "
        "contributors region span-failures events lanes unrecognised dropped sources attribution "
        "audits audits/next audits/labels "
        "audits/reviewers audits/{item_id}/label policy policy/history policy/rollback rules/{alert}/accept "
        "audits/plan audits/disagreement audits/calibration sampling/{request_id} whatif "
        "silences silences/{silence_id} alerts alerts/history rules rules/backtest notifications "
        "lanes/assumed advice coverage rules/{alert}/threshold retention extent usage-ledger rederive exports "
        "cardinality rules/{alert} rules/preview notifiers notifiers/{notifier}/test views views/{name} "
        "prices prices/reprice prices/repriced prices/editions hardware job-runs unit-costs restatements budgets "
        "switching-cost incidents incidents/{incident_id} control-cost architectures entropy storage snapshot "
        "attribution/charges attribution/editions bills reconciliation task-profiles task-profiles/history strategies"
    )
    assert {*paths} == {f"/api/v1/{path}" for path in contract.split()} | {
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/openapi.json",
    }


def test_the_openapi_document_describes_every_argument(get: Get) -> None:
    for query in QUERIES:
        operation_ = openapi_document()["paths"][re.sub(r":\w+}", "}", query.endpoint.path)]["get"]
        names = {each["name"] for each in operation_["parameters"] if each["in"] == "query"}
        assert names == {*arguments_of(query).model_fields}
        assert all(each["description"] for each in operation_["parameters"] if each["in"] == "query")


def test_the_openapi_document_names_the_metrics() -> None:
    (metric,) = (
        each for each in openapi_document()["paths"]["/api/v1/query"]["get"]["parameters"] if each["name"] == "metric"
    )
    assert metric["required"]
    assert metric["schema"]["enum"] == [*CATALOG]
