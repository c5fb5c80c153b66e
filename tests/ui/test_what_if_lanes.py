"""With three lanes the page asks between which two a threshold lies, and the policy it saves names both."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
import pytest

from controlsurface.audit import policy
from controlsurface.config import Config, Lane
from controlsurface.metrics.claims import Claim
from controlsurface.reader import LocalReader
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving
from tests.ui.conftest import Open
from tests.ui.test_what_if import moved

THREE = Config(lanes={"small": Lane(), "mid": Lane(), "large": Lane(escalation=True)})


@dataclass(frozen=True)
class Fixed:
    """Lanes that nobody changes."""

    config: Config

    def in_force(self) -> Mapping[str, Lane]:
        return self.config.lanes

    def claim(self, claim: Claim) -> None:
        raise NotImplementedError


@pytest.fixture
def reader() -> LocalReader:
    store = DuckStore.in_memory()
    seed(store, n=1500, days=2, end=datetime.now(UTC))
    return LocalReader(store, lanes=Fixed(THREE))


def test_a_threshold_between_two_of_three_lanes_is_saved_with_both(opened: Open, reader: LocalReader) -> None:
    with serving(reader) as url:
        app = opened(url, "what_if.py", range="3d")
        assert list(app.selectbox(key="between").options) == ["all, by escalation", "small → mid", "mid → large"]
        app.selectbox(key="between").set_value("small → mid").run()
        app = moved(app, 0.3)
        next(each for each in app.text_input if each.label.startswith("Who decides")).set_value("ann")
        next(each for each in app.text_input if each.label == "Why").set_value("mid is enough")
        next(each for each in app.button if each.label == "Save as policy").click().run()
        assert not app.exception
    (kept,) = reader.ask(policy.History(policy.HistoryArgs())).rows.to_pylist()
    reader.close()
    assert orjson.loads(kept["settings"])["default"] == {"tier": "small", "threshold": 0.3, "escalate_to": "mid"}


def test_with_two_lanes_nobody_is_asked(opened: Open) -> None:
    store = DuckStore.in_memory()
    seed(store, n=300, days=2, end=datetime.now(UTC))
    with serving(LocalReader(store, lanes=Fixed(Config()))) as url:
        app = opened(url, "what_if.py", range="3d")
        assert "between" not in [each.key for each in app.selectbox]
    store.close()
