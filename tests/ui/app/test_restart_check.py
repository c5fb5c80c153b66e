"""A dashboard whose files were replaced says so instead of failing somewhere."""

from pathlib import Path

import pytest

from controlsurface.ui.app import page_frame
from controlsurface.ui.app.page_frame import FileSnapshot
from tests.ui.conftest import Open
from tests.ui.test_pages import html, nobody


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.py"
    path.write_text("old")
    return path


def test_files_that_stay_the_same_are_no_update(page: Path) -> None:
    assert not FileSnapshot.of([page, page.with_name("never there")]).changed()


def test_a_file_that_is_written_or_removed_is_an_update(page: Path) -> None:
    files = FileSnapshot.of([page])
    page.write_text("newer")
    assert files.changed()
    files = FileSnapshot.of([page])
    page.unlink()
    assert files.changed()


def test_an_updated_dashboard_asks_for_a_new_start(opened: Open, page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_frame, "FILES_AT_START", FileSnapshot.of([page]))
    page.write_text("newer")
    app = opened(nobody())
    assert not app.exception
    assert "Updated: start it again" in html(app)
    assert "The collector does not answer" not in html(app)
