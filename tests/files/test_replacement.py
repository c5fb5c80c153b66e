"""`atomic_replacement` puts a file in the place of another at once, or leaves all as it was."""

from pathlib import Path

import pytest

from controlsurface.atomic_file import atomic_replacement


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text("before", "utf-8")
    path.chmod(0o640)
    return path


def test_a_replacement_keeps_the_rights_and_leaves_nothing_beside(file: Path) -> None:
    with atomic_replacement(file) as draft:
        draft.write_text("after", "utf-8")
        assert file.read_text("utf-8") == "before"
    assert (file.read_text("utf-8"), file.stat().st_mode & 0o777) == ("after", 0o640)
    assert [*file.parent.iterdir()] == [file]


def test_a_replacement_that_fails_leaves_the_file_and_nothing_beside(file: Path) -> None:
    with pytest.raises(UnicodeEncodeError), atomic_replacement(file) as draft:
        draft.write_text("half \ud800", "utf-8")
    assert file.read_text("utf-8") == "before"
    assert [*file.parent.iterdir()] == [file]


def test_a_link_stays_a_link_and_its_target_is_replaced(file: Path) -> None:
    link = file.with_name("link.yaml")
    link.symlink_to(file)
    with atomic_replacement(link) as draft:
        draft.write_text("after", "utf-8")
    assert link.is_symlink()
    assert file.read_text("utf-8") == "after"


def test_a_new_file_has_the_rights_that_are_asked_for(tmp_path: Path) -> None:
    with atomic_replacement(tmp_path / "new", 0o604) as draft:
        draft.write_text("", "utf-8")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o604
