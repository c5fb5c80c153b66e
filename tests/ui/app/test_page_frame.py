"""When a page is drawn anew.

A page whose queries take longer than the chosen interval is asked for again before it is there (apache/superset 374:
30 s of queries, drawn anew every 10 s).
"""

from itertools import count
from types import SimpleNamespace

import pytest

from controlsurface.ui.elements import states
from tests.ui.conftest import Open


@pytest.mark.parametrize(("page", "refresh"), [("data.py", "10 s"), ("routing.py", "10 s")])
def test_the_interval_of_a_refresh_begins_when_the_page_has_been_drawn(
    opened: Open, seeded_url: str, monkeypatch: pytest.MonkeyPatch, page: str, refresh: str
) -> None:
    ticks = count()
    monkeypatch.setattr(states, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    app = opened(seeded_url, page, refresh=refresh)
    drawn = app.session_state[states.DRAWN_KEY]
    assert next(ticks) == drawn + 1  # nothing looked at the clock after it
    assert drawn > 1  # the look of the interval itself was before
