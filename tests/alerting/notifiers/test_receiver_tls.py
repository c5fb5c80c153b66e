"""TLS to receivers: an authority of one's own is trusted where it is named, and nobody else's word is taken."""

import ssl
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import TypeAdapter

from controlsurface.alerting.notifiers import AlertNotifier, EgressPolicy, create_notifier
from controlsurface.config.alert_delivery import AnyNotifierConfig
from controlsurface.errors import ConfigError, Undelivered
from tests.alerting.fake_receivers import http_sink, smtp_sink
from tests.alerting.notifiers.test_notifiers import payload

LOOPBACK = EgressPolicy((ip_network("127.0.0.0/8"),))


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def serving(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def to(**given: Any) -> AlertNotifier:
    found: AnyNotifierConfig = TypeAdapter(AnyNotifierConfig).validate_python({"timeout": "20s", **given})
    return create_notifier(found, LOOPBACK)


def mail(port: int, tls: str, ca_file: str) -> AlertNotifier:
    given = {"kind": "email", "host": "127.0.0.1", "sender": "cs@a.test", "to": ["b@a.test"]}
    return to(**given, port=port, tls=tls, ca_file=ca_file)


def test_a_webhook_with_a_private_certificate_authority_gets_notifications(authority: trustme.CA, trusted: str) -> None:
    with http_sink(tls=serving(authority)) as sink:
        to(kind="webhook", url=sink.url, ca_file=trusted).send(payload())
    assert sink.got[0].json["id"] == "m-1"


@pytest.mark.parametrize(
    ("name", "known", "problem"),
    [("127.0.0.1", False, "unable to get local issuer certificate"), ("elsewhere.test", True, "IP address mismatch")],
)
def test_a_receiver_with_an_untrusted_certificate_gets_nothing(
    authority: trustme.CA, trusted: str, name: str, known: bool, problem: str
) -> None:
    with http_sink(tls=serving(authority, name)) as sink, pytest.raises(Undelivered, match=f"not trusted: {problem}"):
        to(kind="webhook", url=sink.url, ca_file=trusted if known else "").send(payload())
    assert sink.got == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_mail_goes_over_tls_to_trusted_servers(authority: trustme.CA, trusted: str, tls: str) -> None:
    with smtp_sink(tls=serving(authority), implicit=tls == "implicit") as post:
        mail(post.port, tls, trusted).send(payload())
        assert post.secured == 1
        with pytest.raises(Undelivered, match="its certificate is not trusted"):
            mail(post.port, tls, "").send(payload())
    assert len(post.mails) == 1


def test_mail_is_not_sent_in_the_clear_by_a_server_that_offers_no_tls(trusted: str) -> None:
    with smtp_sink() as post, pytest.raises(Undelivered, match="SMTPNotSupportedError"):
        mail(post.port, "starttls", trusted).send(payload())
    assert post.mails == []


def test_an_unreadable_certificate_authority_is_named_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for name, problem in (("absent.pem", "No such file"), ("empty.pem", "empty.pem: ")):
        with pytest.raises(ConfigError, match=problem):
            to(kind="webhook", url="https://a.test", ca_file=str(tmp_path / name))
