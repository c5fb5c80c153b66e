"""The overview says what to do, with links that lead to the figures, and what had too little to be said."""

from tests.ui.conftest import Open
from tests.ui.test_pages import html


def test_advice_is_on_the_overview_with_a_link_to_its_slice(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "overview.py", range="7d")
    assert not app.exception
    assert 'class="cs-advice"' in html(app)
    assert "Refine the router for code" in html(app)
    assert "task_type=code" in html(app)
    assert any("Too few" in caption.value or "No data" in caption.value for caption in app.caption)
