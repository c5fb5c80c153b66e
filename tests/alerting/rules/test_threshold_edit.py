"""A threshold is changed in its file: only the number, at once, and never into a file that cannot be read."""

from pathlib import Path

import pytest

from controlsurface.alerting.rules.threshold_edit import SetThreshold, ThresholdChange, replace_threshold
from controlsurface.client.local_client import LocalClient
from controlsurface.errors import BadRequest, Conflict, NotFound
from controlsurface.shipped_paths import ALERTS
from controlsurface.store.duckdb import DuckStore
from tests.alerting.firing_store import store_firing_alert

TEXT = """\
groups:   # ours
  - name: routing
    rules:
      - alert: Other
        metric: error_rate
        above: 0.30  # leave me
      - alert: EscalationRateHigh
        metric: escalation_rate
        above: 0.30  # agreed with the router team
        over: 15m
      - alert: Relative
        metric: error_rate
        above: {offset: 1d, times: 2}
"""


def test_a_threshold_edit_changes_only_the_number() -> None:
    found = replace_threshold(TEXT, "EscalationRateHigh", ThresholdChange(value=0.25, was=0.3))
    assert found == TEXT.replace("above: 0.30  # agreed", "above: 0.25  # agreed")


@pytest.mark.parametrize(
    ("rule", "was", "error"),
    [("Nobody", None, NotFound), ("EscalationRateHigh", 0.4, Conflict), ("Relative", None, BadRequest)],
)
def test_a_threshold_that_cannot_be_changed_says_why(rule: str, was: float | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        replace_threshold(TEXT, rule, ThresholdChange(value=0.25, was=was))


def saved(path: Path, value: float) -> DuckStore:
    """A store beside which the threshold in that file has been changed."""
    store = DuckStore.in_memory()
    store_firing_alert(store, file=str(path))
    LocalClient(store).execute(SetThreshold("EscalationRateHigh", ThresholdChange(value=value, who="ann")))
    return store


def test_a_threshold_edit_is_in_the_file_and_recorded_with_its_author(tmp_path: Path) -> None:
    (tmp_path / "routing.yaml").write_text(TEXT)
    store = saved(tmp_path / "routing.yaml", 0.25)
    assert "above: 0.25  # agreed" in (tmp_path / "routing.yaml").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["routing.yaml"]
    (event,) = store.state("FROM events").to_pylist()
    assert (event["title"], event["source"]) == ("EscalationRateHigh: threshold to 0.25", "ann")
    store.close()


def test_a_shipped_rule_is_not_changed_in_place() -> None:
    path = Path(ALERTS) / "routing.yaml"
    before = path.read_bytes()
    with pytest.raises(BadRequest, match=r"alerts\.directories"):
        saved(path, 0.25)
    assert path.read_bytes() == before


def test_a_rule_file_that_is_wrong_elsewhere_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "routing.yaml").write_text(TEXT.replace("over: 15m", "ovr: 15m"))
    with pytest.raises(Exception, match="no such field"):
        saved(tmp_path / "routing.yaml", 0.25)
    assert "above: 0.25" not in (tmp_path / "routing.yaml").read_text()
    assert len(list(tmp_path.iterdir())) == 1
