"""The shipped rules: every one is tested, and every test comes out as expected."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controlsurface import content
from controlsurface.alerting import files, testing
from controlsurface.alerting.cases import CaseFile
from controlsurface.store.duckdb import DuckStore

pytestmark = pytest.mark.no_cover
FILES = files.rule_files([content.ALERTS])


@pytest.fixture(scope="module")
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    yield made
    made.close()


@pytest.mark.parametrize("path", testing.case_files([content.ALERTS]), ids=lambda path: path.name)
def test_each_file_of_tests_comes_out_as_expected(path: Path, store: DuckStore) -> None:
    assert [result for result in testing.run(path, store) if result.failures] == []


def cases(path: Path) -> CaseFile:
    """The file of tests beside a rule file."""
    _, found, problems = files.parsed(path.with_name(path.stem + files.TESTS), CaseFile)
    assert found is not None, problems
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_shipped_rule_has_a_test(path: Path) -> None:
    tested = {check.alertname for case in cases(path).tests for check in case.alert_rule_test}
    assert {*files.load([path]).rules} <= tested


def test_each_shipped_rule_says_how_bad_it_is_and_what_it_means() -> None:
    for rule in files.load(FILES).rules.values():
        assert rule.labels["severity"] in {"page", "ticket", "info", "none"}
        assert rule.annotations["summary"]
