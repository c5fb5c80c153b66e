"""Whatever is wrong comes back as problem+json, and nothing hostile comes back as 500."""

from typing import Any
from urllib.parse import quote

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.config import AuthConfig, Config
from tests.api.conftest import Get
from tests.serving import serving

PATHS = (
    "metrics",
    "query",
    "distribution",
    "dimensions",
    "requests",
    "requests/x",
    "traces/x",
    "ingest",
    "unrecognised",
    "dropped",
    "sources",
    "coverage",
)
NAMES = (
    *("metric", "by", "where", "start", "end", "every", "column", "order", "limit", "cursor", "failed", "trace_id"),
    *("request_id", "session_id", "confidence_min", "latency_ms_max", "cost_usd_min", "near", "dimension", "nonsense"),
)
NASTY = (
    *(
        "'; DROP TABLE requests; --",
        "lane:' OR 1=1 --",
        "\x00",
        "lane:\x00",
        "NaN",
        "inf",
        "-inf",
        "1e999",
        "-1e-999",
        "null",
    ),
    *(
        "None",
        "9" * 400,
        "-" + "9" * 30,
        "0x10",
        "true",
        "[]",
        "{}",
        "lane:",
        ":",
        ",",
        ",,,lane",
        "%",
        "%00",
        "\ud7ff",
        "\uffff",
    ),
    *(
        "\U0001f600",
        "lane:\U0001f600",
        "2026-02-30",
        "-0h",
        "0s",
        "1e5h",
        "99999999w",
        "9999-12-31",
        "0001-01-01",
        "../../etc",
    ),
)

MUCH = ("nonsense=" + "x" * 50_000, "&".join(["where=lane:x"] * 4_000), "%ff" * 15_000 + "=1")


def problem(answer: requests.Response) -> Any:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], {"type", "title", "detail"} - {*body}) == (answer.status_code, set())
    return body


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/", 404, "GET /"),
        ("/api/v1/nothing", 404, "GET /api/v1/nothing"),
        ("/api/v1/requests/nope", 404, "no request 'nope'"),
        ("/api/v1/traces/" + "f" * 32, 404, "no trace"),
        ("/api/v1/traces/zz", 400, "not 32 hex digits"),
        ("/api/v1/query", 400, "metric: must be given"),
        ("/api/v1/query?metric=cots", 400, "did you mean 'cost'?"),
        ("/api/v1/query?metric=cost&metric=cost", 400, "metric: given 2 times"),
        ("/api/v1/query?metric=cost" + "&where=" * 101, 400, "where: given 101 times, at most 100 are taken"),
        ("/api/v1/query?metric=cost&lane=small", 400, "lane: no such argument"),
        ("/api/v1/query?metric=cost&where=lanes:small", 400, "did you mean 'lane'?"),
        ("/api/v1/requests?limit=1001", 400, "limit: "),
        ("/api/v1/requests?order=random", 400, "order: "),
        ("/api/v1/requests?cursor=AAAA", 400, "cursor: "),
        ("/api/v1/requests?confidence_min=NaN", 400, "confidence_min: "),
        ("/api/v1/distribution?column=password", 400, "column: "),
        ("/api/v1/ingest?verbose=1", 400, "verbose: no such argument"),
    ],
)
def test_a_problem_names_the_mistake_in_a_request(path: str, status: int, detail: str, get: Get) -> None:
    answer = get(path)
    assert answer.status_code == status
    assert detail in problem(answer)["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/api/v1/query", "/metrics", "/healthz"])
def test_an_unsupported_method_is_405_and_says_what_is_supported(method: str, path: str, url: str) -> None:
    answer = requests.request(method, url + path, timeout=30)
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert problem(answer)["title"] == "Method Not Allowed"


@pytest.mark.no_cover
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", NAMES)
def test_the_api_survives_every_hostile_value(path: str, name: str, get: Get) -> None:
    for value in NASTY:
        answer = get(f"/api/v1/{path}", params={"metric": "cost", "column": "confidence"} | {name: value})
        assert answer.status_code in {200, 400, 404}, (path, name, value)
        if f"{name}: no such argument" in answer.text:
            break  # whatever its value


@pytest.mark.parametrize("path", PATHS)
def test_the_api_refuses_long_nonsense_queries(path: str, get: Get) -> None:
    for query in MUCH:
        assert problem(get(f"/api/v1/{path}?{query}"))["status"] == 400


def test_the_api_refuses_a_megabyte_of_nonsense_in_the_parser(get: Get) -> None:
    for query in MUCH:
        assert get(f"/api/v1/query?{query * 20}").status_code == 400


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=20)), max_size=4), st.sampled_from(PATHS))
def test_the_api_survives_every_generated_address(get: Get, pairs: list[tuple[str, str]], path: str) -> None:
    assert get(f"/api/v1/{path}", params=pairs).status_code in {200, 400, 404}


@given(st.text(min_size=1))
def test_the_api_survives_every_generated_id(get: Get, text: str) -> None:
    for path in ("requests", "traces"):
        assert get(f"/api/v1/{path}/{quote(text, safe='')}").status_code in {400, 404}


def test_an_internal_error_gives_no_detail_away(store: Any) -> None:
    class Broken(LocalClient):
        def counters(self) -> Any:
            raise RuntimeError("secret detail")

    with serving(Broken(store)) as url:
        answer = requests.get(f"{url}/api/v1/ingest", timeout=30)
    assert problem(answer)["status"] == 500
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "Basic s3cret", "s3cret", "Bearer s3cret "[:-2], "Bearer \xfc"]
)
def test_the_api_answers_only_401_without_the_token(header: str | None, reader: LocalClient) -> None:
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    with serving(reader, Config(auth=AuthConfig(token="s3cret"))) as url:
        for path in ("/api/v1/metrics", "/metrics", "/api/openapi.json", "/nothing"):
            answer = requests.get(url + path, headers=headers, timeout=30)
            assert problem(answer)["status"] == 401
            assert answer.headers["www-authenticate"] == "Bearer"


def test_the_api_is_open_with_the_token_and_health_always(reader: LocalClient) -> None:
    with serving(reader, Config(auth=AuthConfig(token="s3cret"))) as url:
        assert requests.get(f"{url}/api/v1/metrics", headers={"Authorization": "Bearer s3cret"}, timeout=30).ok
        assert requests.get(f"{url}/healthz", timeout=30).ok
        assert requests.get(f"{url}/readyz", timeout=30).ok
