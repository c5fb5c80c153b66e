"""Ports are free, or the error says which is not; nothing listens to the world unasked."""

import socket
import sys

import pytest
from starlette.applications import Starlette

from controlsurface.errors import ConfigError, PortInUse
from controlsurface.serve.serve_options import ListenPorts, require_token, reserve_ports
from controlsurface.web.listener import Listener, url
from controlsurface.web.request_guard import is_loopback


def test_port_zero_becomes_a_different_free_port_each_time() -> None:
    with reserve_ports("127.0.0.1", ListenPorts(0, 0, 0, 0)) as found:
        assert len({found.api, found.otlp_http, found.otlp_grpc, found.dashboard} - {0}) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a part listen where we are bound")
def test_a_reserved_port_is_given_to_nobody_else_and_a_part_can_listen_there_again() -> None:
    with reserve_ports("127.0.0.1", ListenPorts(0, 0, 0, 0)) as found, socket.socket() as other:
        for _ in range(2):
            listener = Listener("api", Starlette(), "127.0.0.1", found.api).start()
            listener.stop()
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", found.api))


def test_every_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        taken = one.getsockname()[1], two.getsockname()[1]
        with pytest.raises(PortInUse) as error, reserve_ports("127.0.0.1", ListenPorts(taken[0], 0, taken[1], 0)):
            pass
    assert f"api: 127.0.0.1:{taken[0]}" in str(error.value)
    assert f"otlp_grpc: 127.0.0.1:{taken[1]}" in str(error.value)
    assert "otlp_http" not in str(error.value)


def test_a_port_that_is_taken_meanwhile_is_named_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=f"api: 127.0.0.1:{port}"):
            Listener("api", Starlette(), "127.0.0.1", port)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    require_token(host, token="")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])
def test_addresses_other_than_loopback_need_a_token(host: str) -> None:
    with pytest.raises(ConfigError, match=r"set `token` under \[auth\]"):
        require_token(host, token="")
    require_token(host, token="s3cret")


def test_urls_can_be_called_from_this_machine() -> None:
    assert url("127.0.0.1", 80) == "http://127.0.0.1:80"
    assert url("0.0.0.0", 80) == "http://127.0.0.1:80"
    assert url("::", 80) == "http://[::1]:80"
