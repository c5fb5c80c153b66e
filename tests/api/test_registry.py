"""A query is one class: both clients, the endpoint and the OpenAPI document follow from it and from the registry."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pytest
import requests
from pydantic import Field

from controlsurface.api import app, openapi
from controlsurface.api.registry import COMMANDS, QUERIES
from controlsurface.client import LocalClient, RemoteClient
from controlsurface.client.arrow_tables import COUNT, OPTIONAL, columns
from controlsurface.client.query_protocol import (
    Command,
    PlainQuery,
    Query,
    ReadEndpoint,
    Result,
    StoreSession,
    arguments_of,
)
from controlsurface.query.arguments import Arguments
from controlsurface.query.statement import Statement
from tests.serving import serving

# What some queries cannot do without.
ARGUMENTS: dict[str, Any] = {
    "metric": "cost",
    "column": "confidence",
    "reviewer": "ana",
    "start": "2026-01-05",
    "end": "2026-01-06",
    "day": "2026-01-05",
    "low": 0.1,
    "high": 0.9,
    "region_start": "2026-01-04",
    "region_end": "2026-01-05",
    "baseline_start": "2026-01-04",
    "baseline_end": "2026-01-05",
    "week": "2026-W02",
    "metrics": "cost",
    "definition": '{"alert": "slow", "metric": "latency_p95", "above": 1}',
}
FIELDS = {"request_id": "req-2", "alert": "ErrorRateHigh"}


class PowersArgs(Arguments):
    """How many."""

    most: int = Field(3, ge=1, description="rows at most")


@dataclass(frozen=True, slots=True)
class PowersQuery(Query[Result]):
    """Powers of two."""

    endpoint: ClassVar = ReadEndpoint("/api/v1/powers", "powers", "Powers of two", columns(power=COUNT))
    arguments: PowersArgs = PowersArgs()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        sql = "SELECT 2 ** i AS power FROM range($most) AS t (i)"
        return Result(session.rows(Statement(sql, {"most": self.arguments.most}, "powers")))


def test_a_query_has_endpoint_clients_and_document_once_it_is_in_the_registry(
    reader: LocalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (app, openapi):
        monkeypatch.setattr(module, "QUERIES", (*QUERIES, PowersQuery))
    with serving(reader) as url:
        asked = requests.get(f"{url}/api/v1/powers?most=2", timeout=30).json()
        remote = RemoteClient(url).run(PowersQuery(PowersArgs(most=2)))
    assert asked == {"rows": [{"power": 1}, {"power": 2}]}
    assert remote == reader.run(PowersQuery(PowersArgs(most=2)))
    (argument,) = openapi.openapi_document.__wrapped__()["paths"]["/api/v1/powers"]["get"]["parameters"]
    assert argument["name"] == "most"


# All but those that JSON has in another form, and what routers ask: there is no plan and no policy yet.
TABLES = [
    each
    for each in QUERIES
    if each.endpoint.row is dict and each.endpoint.form != "facts" and each.endpoint.pool == "queries"
]


@pytest.mark.parametrize("query", TABLES, ids=lambda each: each.__name__)
def test_a_query_answers_the_columns_that_its_endpoint_names(query: Any, reader: LocalClient) -> None:
    about = query.endpoint
    known = {name: value for name, value in ARGUMENTS.items() if name in arguments_of(query).model_fields}
    path = {name: value for name, value in FIELDS.items() if f"{{{name}" in about.path}
    rows = reader.run(query(arguments=arguments_of(query)(**known), **path)).rows
    for column in about.schema:
        if OPTIONAL not in (column.metadata or {}):
            assert kind(rows.schema.field(column.name).type) <= kind(column.type), column.name


def kind(type_: pa.DataType) -> set[str]:
    """What JSON makes of a type; a whole number is a number, too."""
    if pa.types.is_integer(type_) or (pa.types.is_decimal(type_) and type_.scale == 0):
        return {"integer"}
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return {"integer", "number"}
    return {str(type_).split("<")[0].split("[")[0]}


@pytest.mark.parametrize(("bases", "listed"), [((Query, PlainQuery), QUERIES), ((Command,), COMMANDS)])
def test_each_class_with_an_address_of_the_api_is_in_the_registry(bases: Any, listed: tuple[Any, ...]) -> None:
    derived = [each for base in bases for each in base.__subclasses__() if each is not PlainQuery]
    ours = [each for each in derived if each.__module__.startswith("controlsurface.")]
    assert {each.__name__ for each in ours if each.endpoint.path.startswith("/api/")} == {
        each.__name__ for each in listed
    }
