"""Times at the ends of what can be written, in every argument that is a time: told so, and no fault of the server.

The shapes are those of craiga/unixtimesta.mp#99, specify/specify7#2353 and razzamatazm/mustarrd#311.
"""

import re
from typing import Any

import pytest

from controlsurface.api.registry import QUERIES
from controlsurface.client.query_protocol import Query, arguments_of
from tests.api.conftest import Get

ENDS = ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1969-12-31", "2200-01-01", "9999-12-31T23:59:59.999999Z")
USUAL = {"metric": "requests", "column": "latency", "dimension": "lane", "reviewer": "ana", "task_type": "chat"}


def times(query: type[Query[Any]]) -> list[str]:
    fields = arguments_of(query).model_fields.items()
    return [name for name, info in fields if "datetime.datetime" in str(info.annotation)]


ASKED = [(each.endpoint.path, name, each) for each in QUERIES for name in times(each)]


def address(query: type[Query[Any]]) -> str:
    return re.sub(r"{\w+(:path)?}", "x", query.endpoint.path)


@pytest.mark.parametrize(("path", "name", "query"), ASKED)
def test_a_year_at_the_end_of_time_is_refused_in_words(get: Get, path: str, name: str, query: type[Query[Any]]) -> None:
    assert len(ASKED) > 30
    usual = {each: value for each, value in USUAL.items() if each in arguments_of(query).model_fields}
    for end in ENDS:
        answer = get(address(query), params=usual | {name: end})
        assert answer.status_code == 400
        assert "outside the years 1970 to 2199" in answer.json()["detail"]


def test_the_first_and_the_last_day_of_the_supported_years_are_taken(get: Get) -> None:
    for start, end in (("1970-01-01", "1970-01-02"), ("2199-12-30", "2199-12-31")):
        assert get(f"/api/v1/query?metric=requests&start={start}&end={end}").status_code == 200


@pytest.mark.parametrize("start", ["1970-01-01", "2025-01-01"])
def test_advice_about_few_requests_is_no_fault(get: Get, start: str) -> None:
    assert get(f"/api/v1/advice?start={start}&end=2026-01-02T12:00:00Z").status_code == 200
