"""DNS rebinding and pages elsewhere: a name that is not this server's is refused, and so is a foreign page's change.

The shapes are those of milady-ai/milady#564 (an API without a token on loopback), mgedmin/restview#51 (a dot behind the
name, other addresses of loopback), http-party/http-server#758, felixhageloh/uebersicht#488, chef/automate#5647 and
quick-lint/quick-lint-js#951.
"""

import socket

import pytest
import requests

from controlsurface.config.server_access import ServerConfig
from controlsurface.web.request_guard import HostPolicy
from tests.launch import Server as Running

EVENT = {"at": "2026-01-05T10:00:00Z", "kind": "deploy", "title": "forged"}
LOCAL = HostPolicy.of("127.0.0.1", ServerConfig())
WORLD = HostPolicy.of("0.0.0.0", ServerConfig(hosts=("cs.example.com", "*.svc.cluster.local")))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/api/v1/requests", "/api/v1/events", "/metrics", "/healthz", "/api/v1/policy"])
def test_the_api_answers_nobody_who_calls_it_by_another_name(plain: Running, method: str, path: str) -> None:
    answer = requests.request(method, plain.ready["api"] + path, headers={"Host": "evil.example:8502"}, timeout=30)
    assert answer.status_code == 421
    assert "server.hosts" in answer.text or method == "HEAD"


def test_otlp_takes_nothing_under_another_name_and_counts_it(plain: Running) -> None:
    head = {"Host": "evil.example:4318", "Content-Type": "application/json"}
    answer = requests.post(f"{plain.ready['otlp_http']}/v1/traces", "{}", headers=head, timeout=30)
    assert answer.status_code == 421
    foreign = {"Origin": "http://evil.example", "Content-Type": "application/json"}
    assert requests.post(f"{plain.ready['otlp_http']}/v1/traces", "{}", headers=foreign, timeout=30).status_code == 403
    assert requests.post(f"{plain.ready['otlp_http']}/v1/traces", json={}, timeout=30).status_code == 200
    counted = requests.get(f"{plain.ready['api']}/metrics", timeout=30).text
    assert 'controlsurface_refused_total{server="otlp_http",reason="host"} 1.0' in counted
    assert 'controlsurface_refused_total{server="otlp_http",reason="origin"} 1.0' in counted


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "file://", "https://x y"])
def test_a_cross_origin_page_changes_nothing_through_the_api(plain: Running, origin: str) -> None:
    answer = requests.post(f"{plain.ready['api']}/api/v1/events", json=EVENT, headers={"Origin": origin}, timeout=30)
    assert answer.status_code == 403
    assert "forged" not in requests.get(f"{plain.ready['api']}/api/v1/events?start=2026-01-01", timeout=30).text


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_is_not_said_to_be_json_changes_nothing(plain: Running, kind: str) -> None:
    head = {"Content-Type": kind}
    answer = requests.post(f"{plain.ready['api']}/api/v1/events", b"{}", headers=head, timeout=30)
    assert answer.status_code == 415


def test_an_own_origin_and_a_configured_one_may_change_something(strict: Running) -> None:
    url, token = strict.ready["api"], {"Authorization": "Bearer the admin's own token"}
    for origin in (url, "https://portal.example.com"):
        answer = requests.post(f"{url}/api/v1/events", json=EVENT, headers=token | {"Origin": origin}, timeout=30)
        assert answer.status_code == 201


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.:8502", "127.0.0.1:8502", "127.9.9.9", "[::1]:8502", "[::ffff:127.0.0.1]"]
)
def test_loopback_is_served_under_all_its_names(host: str) -> None:
    assert LOCAL.serves(host)
    assert WORLD.serves(host)


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "xlocalhost", "localhost@evil.example"),
        *("0.0.0.0", "0x7f.1", "2130706433", "127.1", "192.168.0.7", "", "[", "a b", "localhost:x"),
    ],
)
def test_a_loopback_server_serves_no_other_name(host: str) -> None:
    assert not LOCAL.serves(host)


@pytest.mark.parametrize("host", ["10.0.0.7:8502", "[2001:db8::7]", "cs.example.com", "a.svc.cluster.local:80"])
def test_a_server_outside_loopback_serves_addresses_and_configured_names(host: str) -> None:
    assert WORLD.serves(host)


@pytest.mark.parametrize("host", ["evil.example", "svc.cluster.local.evil.example", "xcs.example.com"])
def test_a_server_outside_loopback_refuses_unknown_names_too(host: str) -> None:
    assert not WORLD.serves(host)


def test_refused_host_names_are_counted(plain: Running) -> None:
    requests.get(f"{plain.ready['api']}/healthz", headers={"Host": "evil.example"}, timeout=30)
    text = requests.get(f"{plain.ready['api']}/metrics", timeout=30).text
    (line,) = (
        each
        for each in text.splitlines()
        if each.startswith('controlsurface_refused_total{server="api",reason="host"}')
    )
    assert float(line.split()[-1]) >= 1


def test_a_request_without_a_host_name_is_no_browsers_and_is_served(plain: Running) -> None:
    host, _, port = plain.ready["api"].removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"


def test_two_host_names_of_a_request_must_both_be_ours(plain: Running) -> None:
    host, _, port = plain.ready["api"].removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        assert connection.recv(12) in {b"HTTP/1.1 421", b"HTTP/1.1 400"}
