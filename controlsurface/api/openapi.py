"""The OpenAPI document, made from the queries and commands and the Arrow columns of their answers."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pyarrow as pa
from starlette.responses import Response

from controlsurface import __version__
from controlsurface.api.query_string import is_repeatable
from controlsurface.api.registry import COMMANDS, QUERIES
from controlsurface.api.response_encoding import json_response
from controlsurface.client.arrow_tables import FLAG, JSON, OPTIONAL, TEXT, Column, column, columns, list_of, optional
from controlsurface.client.query_protocol import Command, Query, ReadEndpoint, arguments_of, body_of
from controlsurface.client.remote_client import ARROW_TYPE, JSON_TYPE, PROBLEM_TYPE
from controlsurface.query.arguments import Arguments

Schema = dict[str, Any]


def answer_schema(endpoint: ReadEndpoint) -> Schema:
    """What a query's answer is as JSON."""
    row = row_schema(endpoint.schema)
    if endpoint.form == "single":
        return row
    if endpoint.form == "bare":
        return _many(row)
    found = row_schema(endpoint.facts)
    if endpoint.form == "named":
        found["properties"][endpoint.rows] = _many(row)
        found["required"].append(endpoint.rows)
    return found


def row_schema(columns: pa.Schema) -> Schema:
    """An object of these columns.

    >>> row_schema(pa.schema([pa.field("n", pa.int64(), False)]))
    {'type': 'object', 'properties': {'n': {'type': 'integer'}}, 'required': ['n']}
    """
    return _object(columns) | _rules(columns.metadata)


def _object(columns: Iterable[Column]) -> Schema:
    fields = list(columns)
    required = [each.name for each in fields if OPTIONAL not in (each.metadata or {})]
    return {"type": "object", "properties": {each.name: _value(each) for each in fields}, "required": required}


def _many(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _value(column: Column) -> Schema:
    """What a column's value is."""
    rules = _rules(column.metadata)
    if {"enum", "const"} & {*rules}:
        return rules
    found = _type(column.type)
    return (found | {"type": [found["type"], "null"]} if column.nullable else found) | rules


def _type(kind: pa.DataType) -> Schema:
    """What a value of an Arrow type is, where it is not null."""
    if pa.types.is_struct(kind):
        return _object(kind.fields)
    if pa.types.is_list(kind):
        return _many(_value(kind.value_field))
    if pa.types.is_map(kind):
        texts = pa.types.is_string(kind.item_type)
        return {"type": "object"} | ({"additionalProperties": {"type": "string"}} if texts else {})
    if pa.types.is_timestamp(kind):
        return {"type": "string", "format": "date-time"}
    return {"type": next(name for name, is_one in _PLAIN.items() if is_one(kind))}  # type: ignore[no-untyped-call]


_PLAIN = {
    "string": pa.types.is_string,
    "boolean": pa.types.is_boolean,
    "integer": pa.types.is_integer,
    "number": lambda kind: pa.types.is_floating(kind) or pa.types.is_decimal(kind),
}


def _rules(metadata: dict[bytes, bytes] | None) -> Schema:
    found: Schema = json.loads((metadata or {}).get(JSON, b"{}"))
    return found


_ERRORS = {
    "400": "An argument cannot be understood",
    "401": "The token is missing or wrong",
    "403": "The caller's role may not do that",
    "404": "There is no such thing",
    "409": "Somebody else was quicker, or a file cannot be changed",
    "412": "The version named by If-Match is no longer the newest",
    "413": "The body is too large",
    "415": "The body is not said to be JSON",
    "422": "The answer would be larger than its limit, or needs more memory than queries may have",
    "428": "If-Match must name the version that the change rests on",
    "429": "This client has shown too many wrong tokens; Retry-After says when to try again",
    "503": "Not at the moment; Retry-After says when",
    "504": "The query ran into its time limit",
}
_WRITING = ("400", "401", "403", "413", "415", "429", "503")


_PROBLEM = row_schema(columns(type=TEXT, title=TEXT, status=column(pa.int64()), detail=TEXT, error=optional(TEXT)))
_READY = row_schema(columns(ready=FLAG, reasons=list_of(TEXT), warnings=optional(list_of(TEXT))))


def openapi_response() -> Response:
    """The document as JSON."""
    return json_response(openapi_document())


@cache
def openapi_document() -> dict[str, Any]:
    """The document as a mapping (OpenAPI 3.1)."""
    paths = {_path(each.endpoint.path): {"get": _reading(each)} for each in QUERIES}
    for command in COMMANDS:
        paths.setdefault(_path(command.endpoint.path), {})[command.endpoint.method.lower()] = _writing(command)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Control Surface", "version": __version__},
        "paths": paths | _plain_paths(),
        "components": {
            "schemas": {"Problem": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _path(path: str) -> str:
    """A path as OpenAPI has it."""
    return re.sub(r":\w+}", "}", path)


def _reading(query: type[Query[Any]]) -> dict[str, Any]:
    """The GET of a query."""
    about = query.endpoint
    forms = {JSON_TYPE: {"schema": answer_schema(about)}} | ({ARROW_TYPE: {}} if about.arrow else {})
    missing = ["404"] if "{" in about.path else []
    problems = _problems(("400", "401", "403", *missing, *about.problems, "422", "429", "503", "504"))
    return {
        "operationId": about.name,
        "summary": about.summary,
        "parameters": [*_in_path(about.path), *_in_query(arguments_of(query))],
        "responses": {"200": {"description": about.summary, "content": forms}, **problems},
    }


def _writing(command: type[Command]) -> dict[str, Any]:
    """The POST, PUT or DELETE of a command; a DELETE says everything in its address."""
    about = command.endpoint
    sent = {"required": True, "content": {JSON_TYPE: {"schema": body_of(command).model_json_schema()}}}
    kept = {"description": "Kept", "content": {JSON_TYPE: {"schema": row_schema(about.schema)}}}
    return {
        "operationId": about.name,
        "summary": about.summary,
        **({"parameters": [*_in_path(about.path)]} if "{" in about.path else {}),
        **({} if about.method == "DELETE" else {"requestBody": sent}),
        "responses": {str(about.status): kept, **_problems((*_WRITING, *about.problems))},
    }


def _problems(statuses: Iterable[str]) -> dict[str, Any]:
    """The errors of these statuses."""
    form = {"content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    return {status: {"description": _ERRORS[status], **form} for status in statuses}


def _in_path(path: str) -> Iterator[dict[str, Any]]:
    """The parameters within the address."""
    for name in re.findall(r"{(\w+)", path):
        schema = {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(model: type[Arguments]) -> Iterator[dict[str, Any]]:
    """The arguments behind the question mark."""
    described = model.model_json_schema()
    for name, schema in described.get("properties", {}).items():
        required = name in described.get("required", ())
        yield {
            "name": name,
            "in": "query",
            "required": required,
            "description": schema.pop("description", ""),
            "schema": schema if is_repeatable(model, name) or required else _or_empty(schema),
            **({"style": "form", "explode": True} if is_repeatable(model, name) else {}),
        }


def _or_empty(schema: dict[str, Any]) -> dict[str, Any]:
    """An optional argument may be there with nothing behind its `=`; there is no null in an address."""
    given = schema.get("anyOf") or [{name: rule for name, rule in schema.items() if name not in {"title", "default"}}]
    known = {name: schema[name] for name in ("default",) if schema.get(name) is not None}
    return known | {"anyOf": [*(each for each in given if each != {"type": "null"}), {"const": ""}]}


def _plain_paths() -> dict[str, Any]:
    """Health, metrics and this document."""
    unready = {"description": "Not at the moment", "content": {JSON_TYPE: {"schema": _READY}}}
    return {
        "/healthz": _plain("alive", "The process answers", JSON_TYPE, {}),
        "/readyz": _plain("ready", "Traffic is taken", JSON_TYPE, {"503": unready}),
        "/metrics": _plain("exposition", "Prometheus text exposition", "text/plain", {}),
        "/api/openapi.json": _plain("document", "This document", JSON_TYPE, {}),
    }


def _plain(name: str, summary: str, media_type: str, more: dict[str, Any]) -> dict[str, Any]:
    """A GET without arguments."""
    responses = {"200": {"description": summary, "content": {media_type: {}}}, **more}
    return {"get": {"operationId": name, "summary": summary, "responses": responses}}
