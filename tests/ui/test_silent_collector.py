"""Without a collector a page shows the answers that it had, in the window that they are about."""

from datetime import datetime, timedelta, tzinfo

import pytest

from controlsurface.client.local_client import LocalClient
from controlsurface.store.duckdb import DuckStore
from controlsurface.ui.navigation import view_controls
from tests.serving import serving
from tests.ui.conftest import Open
from tests.ui.test_pages import PAGES, html


class Later(datetime):
    """A clock a minute later, when a running window has moved on."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Later":
        return super().now(tz) + timedelta(minutes=1)


@pytest.mark.parametrize("page", [each for each in PAGES if each not in {"compare.py", "data.py"}])
def test_a_page_keeps_its_last_answers_while_the_collector_is_gone(
    opened: Open, seeded: DuckStore, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(LocalClient(seeded)) as url:
        app = opened(url, page)
    shown, view = html(app).count("cs-title"), app.session_state["_view"]
    monkeypatch.setattr(view_controls, "datetime", Later)
    app.run()
    assert not app.exception
    assert "The collector does not answer" not in html(app)
    assert html(app).count("cs-title") == shown
    assert app.session_state["_view"] == view
