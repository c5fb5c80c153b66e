"""How soon a drift would be found is said for each slice, and a drift can be accepted from its link."""

from contextlib import closing
from datetime import UTC, datetime

import pytest

from controlsurface.alerting.evaluation import alert_store
from controlsurface.alerting.rules.rule_loader import LoadedRuleGroup, RuleSet
from controlsurface.alerting.rules.rule_models import DriftRule, RuleGroup
from controlsurface.client.local_client import LocalClient
from controlsurface.store.duckdb import DuckStore
from controlsurface.ui.data import visitor
from tests.seed import seed
from tests.serving import serving
from tests.ui.conftest import Open
from tests.ui.test_pages import html

RULE = DriftRule.model_validate(
    {"alert": "EscalationDrift", "metric": "escalation_rate", "by": ["task_type"], "drift": {"tolerance": 1.2}}
)


def test_small_slices_are_said_to_be_slow_and_a_link_offers_the_new_baseline(opened: Open) -> None:
    store = DuckStore.in_memory()
    seed(store, n=3000, days=7, end=datetime.now(UTC))
    with store.writing() as writing:
        alert_store.write_rules(writing, RuleSet((LoadedRuleGroup("own.yaml", RuleGroup(name="g", rules=(RULE,))),)))
    with serving(LocalClient(store)) as url:
        app = opened(url, "alerts.py", accept="EscalationDrift")
        assert not app.exception
        shown = html(app)
        assert "Odds × 2" in shown
        assert " d</td>" in shown
        app.text_input(key="accept who").set_value("ann")
        app.button(key="FormSubmitter:accept-Accept").click().run()
        assert "Not accepted" in app.warning[0].value  # nothing has been learnt yet, and that is said
    store.close()


@pytest.mark.parametrize(("signed_in", "expected"), [("", ""), ("olga", "olga")])
def test_forms_ask_the_visitor_for_a_name_and_do_not_take_the_user_that_runs_the_server(
    opened: Open, monkeypatch: pytest.MonkeyPatch, signed_in: str, expected: str
) -> None:
    monkeypatch.setenv("USER", "daemon")
    monkeypatch.setattr(visitor, "visitor_name", lambda: signed_in)
    store = DuckStore.in_memory()
    with store.writing() as writing:
        alert_store.write_rules(writing, RuleSet((LoadedRuleGroup("own.yaml", RuleGroup(name="g", rules=(RULE,))),)))
    with closing(store), serving(LocalClient(store)) as url:
        fields = [each for each in opened(url, "alerts.py", accept=RULE.alert).text_input if each.label == "Author"]
    assert [(each.value, each.disabled) for each in fields] == [(expected, bool(signed_in))] * 3
