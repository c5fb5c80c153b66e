"""The Alerts page and the strip: what fires leads to its cause, silences come and go, thresholds are tried."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from controlsurface.alerting.delivery.outbox import load_delivery_state
from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.rule_engine import RuleEngine
from controlsurface.client.local_client import LocalClient
from controlsurface.clock import CLOCK_SUBJECT
from controlsurface.config import parse_config
from controlsurface.store.duckdb import DuckStore
from controlsurface.ui.alerts.alert_table import alert_headline
from tests.alerting.firing_store import store_firing_alert
from tests.seed import seed
from tests.serving import serving
from tests.ui.conftest import Open
from tests.ui.test_pages import html


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the rule that fires."""
    path = tmp_path_factory.mktemp("rules") / "routing.yaml"
    rule = "{alert: EscalationRateHigh, metric: escalation_rate, by: [task_type], above: 0.3}"
    path.write_text(f"groups: [{{name: routing, rules: [{rule}]}}]")
    return path


@pytest.fixture(scope="module")
def store(rules: Path) -> Iterator[DuckStore]:
    """A day of traffic and one alert that fires."""
    made = DuckStore.in_memory()
    seed(made, n=1500, days=1, end=datetime.now(UTC))
    store_firing_alert(made, file=str(rules))
    yield made
    made.close()


@pytest.fixture(scope="module")
def url(store: DuckStore, rules: Path) -> Iterator[str]:
    config = parse_config({"alerts": {"shipped": False, "directories": [str(rules.parent)]}}, "c.toml")
    with serving(LocalClient(store, config=config)) as address:
        yield address


def test_a_firing_alert_is_listed_with_its_change_and_leads_to_its_cause(opened: Open, url: str) -> None:
    app = opened(url, "alerts.py")
    assert not app.exception
    shown = html(app)
    assert "Escalation rate of task_type code 12.0 % → 42.0 % (38.0 % to 46.0 %, n = 600)" in shown
    assert re.search(r"triage\?alert=\w+&amp;range=custom", shown)
    assert "task_type=code&amp;metric=escalation_rate&amp;spike_from=" in shown
    assert "above 30.0 %" in shown


def test_a_drift_of_a_mean_is_shown_as_the_share_that_it_is() -> None:
    known = {"kind": "drift", "rule": "CostPerRequestDrift", "slice": '{"task_type": "code"}', "annotations": "{}"}
    counted = {"before": 0.488, "value": 0.79, "low": None, "high": None, "n": 138}
    drift = known | counted | {"definition": '{"metric": "cost_per_request"}', "evidence": '{"share_above": "P50"}'}
    said = "Share above the usual cost per request (P50) of task_type code 48.8 % → 79.0 % (n = 138)"
    assert alert_headline(drift) == said


def test_the_overview_shows_firing_alerts_above_all(opened: Open, url: str) -> None:
    shown = html(opened(url))
    assert shown.index("cs-strip") < shown.index("cs-tiles")
    assert "Inspect" in shown


def test_the_overview_is_quiet_when_nothing_fires(opened: Open, seeded_url: str) -> None:
    assert "cs-strip" not in html(opened(seeded_url))


def signed(app: AppTest) -> AppTest:
    """The form of a silence with its author and reason."""
    app.text_input(key="silence who").set_value("ann")
    app.text_input(key="silence why").set_value("a deploy")
    return app


def test_an_alert_is_silenced_from_its_link_and_the_silence_ended(opened: Open, url: str, store: DuckStore) -> None:
    app = opened(url, "alerts.py", silence=['alertname="EscalationRateHigh"', 'task_type="code"'])
    signed(app).button(key="FormSubmitter:silence-Silence").click().run()
    (silence,) = load_delivery_state(store.state)[1]
    assert silence.silences({"alertname": "EscalationRateHigh", "task_type": "code"}, datetime.now(UTC))
    assert "silenced" in html(app)
    st.cache_resource.clear()  # pages share answers for ten seconds
    assert "cs-strip" not in html(opened(url))
    app = opened(url, "alerts.py")
    app.button(key=f"end {silence.id}").click().run()
    assert load_delivery_state(store.state)[1][0].state(datetime.now(UTC)) == "expired"


def test_an_invalid_matcher_is_reported_beside_the_form(opened: Open, url: str, store: DuckStore) -> None:
    before = len(load_delivery_state(store.state)[1])
    app = opened(url, "alerts.py", silence=["nonsense"])
    signed(app).button(key="FormSubmitter:silence-Silence").click().run()
    assert "is no matcher" in app.warning[0].value
    assert len(load_delivery_state(store.state)[1]) == before


def test_a_rule_is_changed_previewed_and_saved_with_its_comment(opened: Open, url: str, rules: Path) -> None:
    app = opened(url, "alerts.py", rule="EscalationRateHigh")
    field = app.number_input(key="rule threshold Change EscalationRateHigh escalation_rate above")
    assert field.value == 30
    field.set_value(99)
    app.button(key="rule preview").click().run()
    told = next(each.value for each in app.markdown if "Would have fired" in each.value)
    assert "Expected false alerts" in told
    app.text_input(key="rule who").set_value("ann")
    app.text_input(key="rule why").set_value("too loud")
    text = rules.read_text()
    rules.write_text(text.replace("0.3", "0.31"))  # by somebody else, meanwhile
    app.button(key="rule save").click().run()
    assert "was changed or removed since" in app.warning[-1].value
    assert "above: 0.31" in rules.read_text()
    rules.write_text(text)
    app.button(key="rule save").click().run()
    assert [each.value for each in app.warning if "Not saved" in each.value] == []
    assert "above: 0.99" in rules.read_text()


def test_a_rule_is_made_from_a_template_and_a_name_that_is_taken_is_refused(
    opened: Open, url: str, rules: Path
) -> None:
    app = opened(url, "alerts.py")
    app.selectbox(key="rule subject New rule").set_value("Budget of each team").run()
    app.text_input(key="rule name New rule Budget of each team").set_value("TeamBudget")
    app.button(key="rule save").click().run()
    text = (rules.parent / "custom.yaml").read_text()
    assert "- alert: TeamBudget\n" in text
    assert "budget: {usd: 100, burn: 1.5}" in text
    app.button(key="rule save").click().run()
    assert "has this name already" in app.warning[-1].value
    (rules.parent / "custom.yaml").unlink()


def test_an_inspected_alert_opens_triage_at_its_slice(opened: Open, url: str) -> None:
    address = next(each for each in html(opened(url, "alerts.py")).split('"') if each.startswith("triage?"))
    asked = {name: values[0] for name, values in parse_qs(address.partition("?")[2].replace("&amp;", "&")).items()}
    app = opened(url, "triage.py", **asked)
    assert not app.exception
    assert app.session_state["_view"].where == ("task_type:code",)


def test_a_mistake_in_a_rule_file_stands_above_the_rules_that_go_on(opened: Open, url: str, store: DuckStore) -> None:
    RuleEngine(store, EvaluationContext(store), lambda *_: None, datetime.now(UTC)).report_rules_problem(
        "r.yaml:3: unknown field 'abvoe'"
    )
    st.cache_resource.clear()
    app = opened(url, "alerts.py")
    assert "rules that were read before go on" in app.warning[0].value
    assert app.code[0].value == "r.yaml:3: unknown field 'abvoe'"


def test_a_clock_that_was_set_is_said_to_be_so_and_is_no_mistake_in_a_rule_file(
    opened: Open, url: str, store: DuckStore
) -> None:
    engine = RuleEngine(store, EvaluationContext(store), lambda *_: None, datetime.now(UTC))
    engine.report_rules_problem(None)
    engine.report_clock_problem(
        1, f"{CLOCK_SUBJECT} was set 2 days, 0:00:00 ahead; alerting goes by the time before for 0:05:00"
    )
    st.cache_resource.clear()
    app = opened(url, "alerts.py")
    assert [each.value for each in app.warning] == [
        "The machine's clock was set 2 days, 0:00:00 ahead; alerting goes by the time before for 0:05:00."
    ]
