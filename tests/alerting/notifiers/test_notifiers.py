"""One contract for all notifiers: taken once when all is well, and named for what it is when it is not."""

import email
import email.policy
import hashlib
import hmac
import sys
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from ipaddress import ip_network
from types import ModuleType
from typing import Any

import pytest
from pydantic import TypeAdapter

from controlsurface.alerting.delivery.notification_payload import alert_payload
from controlsurface.alerting.notifiers import AlertNotifier, EgressPolicy, create_notifier
from controlsurface.alerting.notifiers.pagerduty import pagerduty_event
from controlsurface.config.alert_delivery import AnyNotifierConfig
from controlsurface.errors import ConfigError, Refused, Undelivered
from tests.alerting.episode_clock import EPOCH, episode
from tests.alerting.fake_receivers import http_sink, smtp_sink

LOOPBACK = EgressPolicy((ip_network("127.0.0.0/8"),))
SECRET = "s3cr3t-key"
HTTP = ("webhook", "slack", "pagerduty", "alertmanager")
YES = {"webhook": b"", "slack": b"ok", "pagerduty": b'{"status":"success"}', "alertmanager": b""}


def channel(**values: Any) -> AnyNotifierConfig:
    found: AnyNotifierConfig = TypeAdapter(AnyNotifierConfig).validate_python({"timeout": "20s", **values})
    return found


def payload() -> dict[str, Any]:
    firing = episode(lane="large", severity="page")
    over = episode(lane="small", severity="page")
    over = type(over)(over.key, over.labels, over.starts_at, EPOCH + timedelta(minutes=5), over.facts)
    alerts = [alert_payload(each, None, "http://board") for each in (firing, over)]
    return {"id": "m-1", "state": "firing", "title": "Firing: 2 × High <b>", "alerts": alerts}


def to(
    kind: str, url: str, monkeypatch: pytest.MonkeyPatch, gate: EgressPolicy = LOOPBACK, timeout: str = "20s"
) -> AlertNotifier:
    monkeypatch.setenv("THE_URL", f"{url}/hook")
    monkeypatch.setenv("THE_KEY", SECRET)
    given = {
        "webhook": {"url": f"{url}/hook", "secret": "env:THE_KEY"},
        "slack": {"url": "env:THE_URL"},
        "pagerduty": {"url": f"{url}/hook", "routing_key": "env:THE_KEY"},
        "alertmanager": {"url": url},
    }[kind]
    return create_notifier(channel(kind=kind, timeout=timeout, **given), gate)


@dataclass
class Failure:
    """How a receiver misbehaves, and what a notifier must make of it."""

    answer: tuple[int, dict[str, str], bytes] | None
    error: type[Undelivered]
    words: str
    retry_after_s: float | None = None


FAILURES = {
    "fails": Failure((503, {"Retry-After": "7"}, b""), Undelivered, "answered 503", 7),
    "is busy": Failure((429, {"Retry-After": "Thu, 01 Jan 2015 00:00:00 GMT"}, b""), Undelivered, "answered 429", 0),
    "refuses": Failure((404, {}, b""), Refused, "answered 404"),
    "hangs": Failure(None, Undelivered, "no answer within 0.4 s"),
    "breaks off": Failure((200, {"Content-Length": "999"}, b"ok"), Undelivered, "127.0.0.1"),
    "sends elsewhere": Failure((302, {"Location": "/other"}, b""), Refused, "answered 302"),
    "goes round": Failure((307, {"Location": "/hook"}, b""), Refused, "redirects more than 3 times"),
    "leads inside": Failure((308, {"Location": "http://169.254.169.254/"}, b""), Refused, "private address"),
}


@pytest.mark.parametrize("kind", HTTP)
def test_a_notification_is_delivered_at_the_first_attempt(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink((200, {}, YES[kind])) as sink:
        to(kind, sink.url, monkeypatch).send(payload())
    assert len(sink.got) == (2 if kind == "pagerduty" else 1)


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("kind", HTTP)
def test_a_receiver_that_misbehaves_is_named_and_no_secret_is(
    kind: str, failure: Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeout = "20s" if failure.answer else "400ms"
    with http_sink(failure.answer) as sink, pytest.raises(failure.error, match=failure.words) as problem:
        to(kind, sink.url, monkeypatch, timeout=timeout).send(payload())
    assert type(problem.value) is failure.error
    assert problem.value.retry_after_s == failure.retry_after_s
    assert SECRET not in str(problem.value)
    assert "hook" not in str(problem.value)


@pytest.mark.parametrize("kind", ["slack", "pagerduty"])
def test_a_status_200_without_the_receivers_answer_is_no_delivery(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink((200, {}, b"<html>please sign in</html>")) as sink, pytest.raises(Undelivered, match="was not"):
        to(kind, sink.url, monkeypatch).send(payload())


@pytest.mark.parametrize("kind", HTTP)
def test_a_redirect_that_keeps_the_method_is_followed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = (307, {"Location": "/moved"}, b"")
    taken = (200, dict[str, str](), YES[kind])
    with http_sink(moved, taken, moved, taken) as sink:
        to(kind, sink.url, monkeypatch).send(payload())
    assert [got.path for got in sink.got][1::2] == ["/moved"] * (len(sink.got) // 2)


def test_a_refused_connection_is_a_reason_to_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as sink:
        gone = sink.url
    with pytest.raises(Undelivered, match="refused") as problem:
        to("webhook", gone, monkeypatch).send(payload())
    assert not isinstance(problem.value, Refused)


@pytest.mark.parametrize("kind", HTTP)
def test_a_private_address_is_refused_unless_it_is_allowed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as sink, pytest.raises(Refused, match="private address"):
        to(kind, sink.url, monkeypatch, EgressPolicy()).send(payload())
    assert sink.got == []


@pytest.mark.parametrize(
    "address",
    "127.0.0.1 10.1.2.3 192.168.1.1 172.16.0.1 169.254.169.254 0.0.0.0 100.64.0.1 224.0.0.1 ::1 fe80::1%eth0 fd00::1 "
    "::ffff:127.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1 2002:7f00:1::1 fd00:ec2::254".split(),
)
def test_the_egress_policy_refuses_private_addresses_however_they_are_written(address: str) -> None:
    assert not EgressPolicy().admits(address)


def test_the_egress_policy_admits_public_addresses_and_allowed_networks() -> None:
    gate = EgressPolicy((ip_network("10.1.0.0/16"),))
    assert [gate.admits(each) for each in ("8.8.8.8", "2001:4860:4860::8888", "10.1.2.3", "10.2.2.3")] == [
        True,
        True,
        True,
        False,
    ]


def test_a_webhook_is_signed_and_names_its_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as sink:
        to("webhook", sink.url, monkeypatch).send(payload())
    (got,) = sink.got
    seconds, _, signed = got.headers["x-control-surface-signature"].removeprefix("t=").partition(",v1=")
    expected = hmac.new(SECRET.encode(), seconds.encode() + b"." + got.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(signed, expected)
    assert got.headers["x-control-surface-delivery"] == "m-1"
    assert got.json == payload()


def test_slack_gets_its_three_signs_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as sink:
        to("slack", sink.url, monkeypatch).send(payload())
    assert sink.got[0].json["text"] == "Firing: 2 × High &lt;b&gt;"


def test_pagerduty_triggers_and_resolves_under_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink((202, {}, YES["pagerduty"])) as sink:
        to("pagerduty", sink.url, monkeypatch).send(payload())
    first, second = (got.json for got in sink.got)
    assert (first["event_action"], first["payload"]["severity"]) == ("trigger", "critical")
    assert second == {"routing_key": SECRET, **pagerduty_event(payload()["alerts"][1])}
    assert second["event_action"] == "resolve"


def test_alertmanager_gets_the_time_until_which_a_firing_alert_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as sink:
        to("alertmanager", sink.url, monkeypatch).send(payload())
    firing, over = sink.got[0].json
    assert sink.got[0].path == "/api/v2/alerts"
    assert firing["endsAt"] > EPOCH.isoformat() < firing["startsAt"] + "z"
    assert over["endsAt"] == (EPOCH + timedelta(minutes=5)).isoformat()


def mailer(port: int, gate: EgressPolicy = LOOPBACK, timeout: str = "20s") -> AlertNotifier:
    given = {
        "kind": "email",
        "timeout": timeout,
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "sender": "cs@a.test",
        "to": ["b@a.test"],
    }
    return create_notifier(channel(**given), gate)


def test_a_mail_has_text_html_and_one_id_for_all_attempts() -> None:
    with smtp_sink() as post:
        mailer(post.port).send(payload())
    mail = email.message_from_bytes(post.mails[0], policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert mail["Subject"] == "Firing: 2 × High <b>"
    assert mail["Message-ID"] == "<m-1@controlsurface>"
    assert [part.get_content_type() for part in mail.walk()][1:3] == ["text/plain", "text/html"]
    assert "&lt;b&gt;" in str(mail.get_body(("html",)))


@pytest.mark.parametrize(
    ("verdict", "error"), [("451 later", Undelivered), ("554 never", Refused), ("", Undelivered)], ids=ascii
)
def test_a_mail_server_that_misbehaves_is_named(verdict: str, error: type[Undelivered]) -> None:
    with smtp_sink(verdict) as post, pytest.raises(error) as problem:
        mailer(post.port, timeout="20s" if verdict else "400ms").send(payload())
    assert type(problem.value) is error


def test_a_private_mail_server_is_refused_unless_allowed() -> None:
    with smtp_sink() as post, pytest.raises(Refused, match="private address"):
        mailer(post.port, EgressPolicy()).send(payload())


class Services(ModuleType):
    """What stands in for the optional package, which is not among what tests install."""

    told: list[dict[str, str]]
    takes = True

    def Apprise(self) -> "Services":  # noqa: N802 - the package's name
        return self

    def add(self, address: str) -> bool:
        return "://" in address

    def notify(self, **told: str) -> bool:
        self.told.append(told)
        return self.takes


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Services:
    found = Services("apprise")
    found.told = []
    found.__spec__ = type(sys.__spec__)("apprise", None)
    monkeypatch.setitem(sys.modules, "apprise", found)
    monkeypatch.setenv("THE_URL", "ntfy://a mailto://b")
    return found


def test_apprise_gets_title_and_text(services: Services) -> None:
    create_notifier(channel(kind="apprise", urls="env:THE_URL"), LOOPBACK).send(payload())
    assert services.told[0]["title"] == "Firing: 2 × High <b>"
    services.takes = False
    with pytest.raises(Undelivered, match="apprise"):
        create_notifier(channel(kind="apprise", urls="env:THE_URL"), LOOPBACK).send(payload())


def test_a_missing_apprise_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlsurface.alerting.notifiers.apprise_services.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'controlsurface\[apprise\]'"):
        create_notifier(channel(kind="apprise", urls="env:THE_URL"), LOOPBACK)


def test_a_missing_secret_is_named_by_its_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THE_KEY", raising=False)
    with pytest.raises(ConfigError, match="env:THE_KEY: holds nothing"):
        create_notifier(channel(kind="webhook", url="http://a.test", secret="env:THE_KEY"), LOOPBACK)


def test_a_secret_is_read_from_a_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_text("http://127.0.0.1:1/secret\n")
    with pytest.raises(Undelivered) as problem:
        create_notifier(channel(kind="slack", url=f"file:{tmp_path}/url"), LOOPBACK).send(payload())
    assert "secret" not in str(problem.value)
