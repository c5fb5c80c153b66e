"""One token for each purpose, and an end to guessing.

The shapes are those of kubestellar/console#7374 (a scheme in lower case), majiayu000/litellm-rs#1186 (each guess is
another token), ZerosAndOnesLLC/AiFw#165, nextcloud/server#8510 and Mailu/Mailu#2880 (a guesser locks others out).
"""

import grpc
import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from controlsurface.config import parse_config
from controlsurface.config.server_access import AuthConfig
from controlsurface.errors import ConfigError, Throttled
from controlsurface.web import token_check
from controlsurface.web.refusal_counter import RefusalCounter
from controlsurface.web.token_check import TokenCheck
from tests.launch import Server
from tests.web.conftest import ADMIN, INGEST, READ

EVENT = {"at": "2026-01-05T10:00:00Z", "kind": "deploy", "title": "2.4.1"}


def bearer(token: str, scheme: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{scheme} {token}"}


@pytest.mark.parametrize(("token", "status"), [(ADMIN, 200), (INGEST, 200), (READ, 401)])
def test_otlp_over_http_takes_the_senders_token(strict: Server, token: str, status: int) -> None:
    answer = requests.post(f"{strict.ready['otlp_http']}/v1/traces", json={}, headers=bearer(token), timeout=30)
    assert answer.status_code == status


@pytest.mark.parametrize(("token", "code"), [(INGEST, None), (READ, grpc.StatusCode.UNAUTHENTICATED)])
def test_otlp_over_grpc_takes_the_senders_token(strict: Server, token: str, code: grpc.StatusCode | None) -> None:
    with grpc.insecure_channel(strict.ready["otlp_grpc"].removeprefix("http://")) as channel:
        found = None
        try:
            TraceServiceStub(channel).Export(  # type: ignore[no-untyped-call]
                ExportTraceServiceRequest(), timeout=30, metadata=(("authorization", f"bearer {token}"),)
            )
        except grpc.RpcError as problem:
            found = problem.code()
    assert found == code


@pytest.mark.parametrize("path", ["/api/v1/metrics", "/metrics", "/api/v1/requests", "/api/openapi.json"])
def test_the_senders_token_reads_nothing(strict: Server, path: str) -> None:
    answer = requests.get(strict.ready["api"] + path, headers=bearer(INGEST), timeout=30)
    assert answer.status_code == 403
    assert "only sends spans" in answer.json()["detail"]


def test_the_readers_token_reads_and_changes_nothing(strict: Server) -> None:
    url = strict.ready["api"]
    assert requests.get(f"{url}/metrics", headers=bearer(READ), timeout=30).status_code == 200
    for path in ("events", "exports", "policy/rollback"):
        answer = requests.post(f"{url}/api/v1/{path}", json=EVENT, headers=bearer(READ), timeout=30)
        assert answer.status_code == 403


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
def test_the_authorization_scheme_has_no_case(strict: Server, scheme: str) -> None:
    url = f"{strict.ready['api']}/api/v1/lanes"
    assert requests.get(url, headers=bearer(ADMIN, scheme), timeout=30).status_code == 200


def test_token_guesses_at_the_api_are_counted_and_throttled(strict: Server) -> None:
    url, client = f"{strict.ready['api']}/api/v1/lanes", {"X-Forwarded-For": "203.0.113.9"}
    statuses = [requests.get(url, headers=bearer(f"guess {i}") | client, timeout=30).status_code for i in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    right = requests.get(url, headers=bearer(ADMIN) | client, timeout=30)
    assert right.status_code == 429
    assert int(right.headers["Retry-After"]) > 0
    assert requests.get(url, headers=bearer(ADMIN), timeout=30).status_code == 200  # of another client
    assert 'controlsurface_refused_total{server="api",reason="token"} 5.0' in metrics(strict)
    assert "203.0.113.9 has shown a token that nobody has" in strict.words.read_text()


def metrics(server: Server) -> str:
    return requests.get(f"{server.ready['api']}/metrics", headers=bearer(READ), timeout=30).text


def checked(**more: object) -> TokenCheck[str]:
    auth = AuthConfig.model_validate({"token": ADMIN, "max_failures": 2, **more})
    return TokenCheck([(ADMIN, "admin"), (READ, "reader")], auth, RefusalCounter("test"), lambda: CLOCK[0])


CLOCK = [0.0]


def test_a_client_with_a_right_token_is_not_locked_out_by_a_guesser_at_the_same_address() -> None:
    check = checked()
    assert check.owner("10.0.0.1", ADMIN.encode()) == "admin"
    assert [check.owner("10.0.0.1", b"guess") for _ in range(2)] == [None, None]
    assert check.owner("10.0.0.1", ADMIN.encode()) == "admin"
    with pytest.raises(Throttled):
        check.owner("10.0.0.1", READ.encode())


def test_a_throttled_client_is_let_in_again_after_the_window() -> None:
    check = checked(failure_window="10s")
    assert [check.owner("10.0.0.1", b"guess") for _ in range(2)] == [None, None]
    CLOCK[0] += 10
    assert check.owner("10.0.0.1", ADMIN.encode()) == "admin"


def test_addresses_of_one_ipv6_network_are_one_client() -> None:
    check = checked()
    assert [check.owner(f"2001:db8::{i}", b"guess") for i in range(2)] == [None, None]
    with pytest.raises(Throttled):
        check.owner("2001:db8::99", b"guess")


def test_a_flood_of_clients_does_not_grow_the_memory_of_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_check, "MAX_CLIENTS", 10)
    check = checked()
    for i in range(100):
        check.owner(f"10.0.0.{i}", b"guess")
    assert len(check._failures) == 10


@pytest.mark.parametrize(
    ("auth", "place"),
    [
        ({"token": "x"}, "auth.token"),
        ({"token": ADMIN, "ingest_token": "short"}, "auth.ingest_token"),
        ({"token": ADMIN, "read_token": "fifteen letters"}, "auth.read_token"),
        ({"token": ADMIN, "tokens": [{"name": "vera", "token": "12345678"}]}, "auth.tokens.0.token"),
    ],
)
def test_a_token_that_can_be_guessed_is_refused(auth: dict[str, object], place: str) -> None:
    with pytest.raises(ConfigError, match=f"{place}: a token has at least 16 characters") as problem:
        parse_config({"auth": auth}, "c.toml")
    assert "short" not in str(problem.value)


@pytest.mark.parametrize("auth", [{"ingest_token": INGEST}, {"token": ADMIN, "read_token": ADMIN}])
def test_tokens_that_mean_nothing_or_the_same_are_refused(auth: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"set it|its owner's alone"):
        parse_config({"auth": auth}, "c.toml")
