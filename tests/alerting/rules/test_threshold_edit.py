"""A threshold is changed in its file, or in an override: only the number, at once, and never into a wrong file."""

from pathlib import Path

import pytest

from controlsurface.alerting.rules.rule_loader import configured_rule_paths
from controlsurface.alerting.rules.threshold_edit import SetThreshold, ThresholdChange, rule_threshold
from controlsurface.client.local_client import LocalClient
from controlsurface.config import Config, parse_config
from controlsurface.errors import BadRequest, Conflict, NotFound
from controlsurface.shipped_paths import ALERTS
from controlsurface.store.duckdb import DuckStore

TEXT = """\
groups:   # ours
  - name: routing
    rules:
      - alert: Other
        metric: error_rate
        above: 0.30  # leave me
      - alert: OwnHigh
        metric: escalation_rate
        above: 0.30  # agreed with the router team
        over: 15m
      - alert: Relative
        metric: error_rate
        above: {offset: 1d, times: 2}
"""


def configured(folder: Path) -> Config:
    return parse_config({"alerts": {"directories": [str(folder)]}}, "c.toml")


def saved(folder: Path, rule: str, value: float, was: float | None = None) -> DuckStore:
    """A store beside which the threshold has been changed."""
    store = DuckStore.in_memory()
    client = LocalClient(store, config=configured(folder))
    client.execute(SetThreshold(rule, ThresholdChange(value=value, was=was, who="ann")))
    return store


@pytest.mark.parametrize(
    ("rule", "was", "error"), [("Nobody", None, NotFound), ("OwnHigh", 0.4, Conflict), ("Relative", None, BadRequest)]
)
def test_a_threshold_that_cannot_be_changed_says_why(
    tmp_path: Path, rule: str, was: float | None, error: type[Exception]
) -> None:
    (tmp_path / "routing.yaml").write_text(TEXT)
    with pytest.raises(error):
        saved(tmp_path, rule, 0.25, was)
    assert (tmp_path / "routing.yaml").read_text() == TEXT


def test_a_threshold_edit_changes_only_the_number_and_is_recorded_with_its_author(tmp_path: Path) -> None:
    (tmp_path / "routing.yaml").write_text(TEXT)
    store = saved(tmp_path, "OwnHigh", 0.25)
    assert (tmp_path / "routing.yaml").read_text() == TEXT.replace("above: 0.30  # agreed", "above: 0.25  # agreed")
    assert [path.name for path in tmp_path.iterdir()] == ["routing.yaml"]
    (event,) = store.state("FROM events").to_pylist()
    assert (event["title"], event["source"]) == ("OwnHigh: threshold 0.25 (was 0.3)", "ann")
    store.close()


@pytest.mark.parametrize("rule", ["ErrorRateHigh", "EscalationRateHigh"])
def test_a_shipped_rule_s_threshold_is_changed_by_an_override(tmp_path: Path, rule: str) -> None:
    before = {path: path.read_bytes() for path in Path(ALERTS).iterdir()}
    saved(tmp_path, rule, 0.25).close()
    found = configured_rule_paths(configured(tmp_path)).load()
    assert rule_threshold(found.rules[rule]) == 0.25
    assert [*found.overrides] == [rule]
    assert {path: path.read_bytes() for path in Path(ALERTS).iterdir()} == before


def test_a_rule_file_that_is_wrong_elsewhere_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "routing.yaml").write_text(TEXT.replace("over: 15m", "ovr: 15m"))
    with pytest.raises(Exception, match="no such field"):
        saved(tmp_path, "OwnHigh", 0.25)
    assert "above: 0.25" not in (tmp_path / "routing.yaml").read_text()
    assert len(list(tmp_path.iterdir())) == 1
