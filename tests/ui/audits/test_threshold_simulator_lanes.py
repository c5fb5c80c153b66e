"""With three lanes the page asks between which two a threshold lies, and the policy it saves names both."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
import pytest

from controlsurface.audit import policy
from controlsurface.client import LocalClient
from controlsurface.config import Config, LaneConfig
from controlsurface.lanes.lane_assignment import LaneAssignment
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving
from tests.ui.audits.test_threshold_simulator import moved
from tests.ui.conftest import Open

THREE = Config(lanes={"small": LaneConfig(), "mid": LaneConfig(), "large": LaneConfig(escalation=True)})


@dataclass(frozen=True)
class Fixed:
    """Lanes that nobody changes."""

    config: Config

    def in_force(self) -> Mapping[str, LaneConfig]:
        return self.config.lanes

    def claim(self, claim: LaneAssignment) -> None:
        raise NotImplementedError


@pytest.fixture
def reader() -> LocalClient:
    store = DuckStore.in_memory()
    seed(store, n=1500, days=2, end=datetime.now(UTC))
    return LocalClient(store, lanes=Fixed(THREE))


def test_a_threshold_between_two_of_three_lanes_is_saved_with_both(opened: Open, reader: LocalClient) -> None:
    with serving(reader) as url:
        app = opened(url, "what_if.py", range="3d")
        assert list(app.selectbox(key="between").options) == ["all, by escalation", "small → mid", "mid → large"]
        app.selectbox(key="between").set_value("small → mid").run()
        app = moved(app, 0.3)
        app.text_input(key="policy_author").set_value("ann")
        app.text_input(key="policy_reason").set_value("mid is enough")
        next(each for each in app.button if each.label == "Save as policy").click().run()
        assert not app.exception
    (kept,) = reader.run(policy.PolicyHistoryQuery(policy.PolicyHistoryArgs())).rows.to_pylist()
    reader.close()
    assert orjson.loads(kept["settings"])["default"] == {"tier": "small", "threshold": 0.3, "escalate_to": "mid"}


def test_the_simulator_asks_for_no_lanes_where_there_are_two(opened: Open) -> None:
    store = DuckStore.in_memory()
    seed(store, n=300, days=2, end=datetime.now(UTC))
    with serving(LocalClient(store, lanes=Fixed(Config()))) as url:
        app = opened(url, "what_if.py", range="3d")
        assert "between" not in [each.key for each in app.selectbox]
    store.close()
