"""A test message reaches the notifier as an alert would, and says why it did not, without a secret."""

import pytest

from controlsurface.alerting.delivery.notifier_commands import NotifiersQuery, SendTestMessage, TestMessage
from controlsurface.alerting.delivery.routing import build_routes, route_keys
from controlsurface.client.local_client import LocalClient
from controlsurface.config import Config, parse_config
from controlsurface.config.alert_delivery import DeliveryConfig
from controlsurface.errors import ConfigError, ControlSurfaceError, NotFound
from controlsurface.store.duckdb import DuckStore
from tests.alerting.fake_receivers import http_sink

SECRET = "s3cr3t-t0ken"


def client(url: str) -> LocalClient:
    notifiers = {
        "hook": {"kind": "webhook", "url": url},
        "chat": {"kind": "slack", "url": "env:SLACK_HOOK"},
        "pager": {"kind": "pagerduty", "routing_key": "env:PAGER_KEY", "url": url},
        "manager": {"kind": "alertmanager", "url": url},
    }
    delivery = {"notifiers": notifiers, "allow_networks": ["127.0.0.0/8"], "dashboard": "http://board"}
    config: Config = parse_config({"delivery": delivery}, "c.toml")
    return LocalClient(DuckStore.in_memory(), config=config)


def test_every_notifier_takes_a_test_message(monkeypatch: pytest.MonkeyPatch) -> None:
    ok: tuple[int, dict[str, str], bytes] = (200, {}, b"ok")
    with http_sink(ok, ok, (202, {}, b'{"status": "success"}'), ok) as sink:
        monkeypatch.setenv("SLACK_HOOK", sink.url)
        monkeypatch.setenv("PAGER_KEY", SECRET)
        found = client(sink.url)
        names = found.run(NotifiersQuery()).rows["name"].to_pylist()
        for name in map(str, names):
            body = TestMessage(rule="MyRule", labels={"team": "search"}, who="ann")
            assert found.execute(SendTestMessage(name, body))["notifier"] == name
        assert names == ["hook", "chat", "pager", "manager"]
        assert len(sink.got) == 4
        hook = sink.got[0].json["alerts"][0]
        assert (hook["labels"]["team"], hook["labels"]["alertname"]) == ("search", "MyRule")
        assert "sent by ann from Control Surface. Nothing is wrong" in hook["summary"]
        found.close()


# grafana/grafana#37475: a test that failed was answered like one that had been sent.
def test_a_test_message_that_fails_says_so_without_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_HOOK", f"http://127.0.0.1:9/{SECRET}")
    found = client("http://127.0.0.1:9")
    with pytest.raises(ControlSurfaceError, match=r"127\.0\.0\.1") as problem:
        found.execute(SendTestMessage("chat"))
    assert SECRET not in str(problem.value)
    monkeypatch.delenv("SLACK_HOOK")
    with pytest.raises(ConfigError, match=r"notifiers\.chat: env:SLACK_HOOK: holds nothing"):
        found.execute(SendTestMessage("chat"))
    with pytest.raises(NotFound, match="no notifier named 'hok'; did you mean 'hook'"):
        found.execute(SendTestMessage("hok"))
    assert SECRET not in str(found.run(NotifiersQuery()).rows.to_pylist())
    found.close()


def test_an_alert_that_names_a_notifier_goes_to_that_one_alone() -> None:
    notifiers = {name: {"kind": "webhook", "url": "http://x"} for name in ("a", "b")}
    routes = build_routes(DeliveryConfig.model_validate({"notifiers": notifiers, "routes": [{"notifiers": ["a"]}]}))

    def told(**labels: str) -> list[str]:
        return [target.name for route, _, _ in route_keys(labels, routes) for target in route.targets]

    assert (told(alertname="X"), told(alertname="X", notifier="b"), told(notifier="gone")) == (["a"], ["b"], ["a"])
