"""The shipped rules: every one is tested, and every test comes out as expected."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controlsurface import shipped_paths
from controlsurface.alerting.rules import rule_loader
from controlsurface.alerting.testing import rule_test_runner
from controlsurface.alerting.testing.rule_test_cases import RuleTestFile
from controlsurface.store.duckdb import DuckStore

pytestmark = pytest.mark.no_cover
FILES = rule_loader.find_rule_files([shipped_paths.ALERTS])


@pytest.fixture(scope="module")
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    yield made
    made.close()


@pytest.mark.parametrize("path", rule_test_runner.find_test_files([shipped_paths.ALERTS]), ids=lambda path: path.name)
def test_each_shipped_rule_test_file_comes_out_as_expected(path: Path, store: DuckStore) -> None:
    assert [result for result in rule_test_runner.run_rule_tests(path, store) if result.failures] == []


def cases(path: Path) -> RuleTestFile:
    """The file of tests beside a rule file."""
    _, found, problems = rule_loader.parse_yaml_file(
        path.with_name(path.stem + rule_loader.TEST_FILE_SUFFIX), RuleTestFile
    )
    assert found is not None, problems
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_shipped_rule_has_a_test(path: Path) -> None:
    tested = {check.alertname for case in cases(path).tests for check in case.alert_rule_test}
    assert {*rule_loader.load_rule_files([path]).rules} <= tested


def test_each_shipped_rule_has_a_severity_and_a_summary() -> None:
    for rule in rule_loader.load_rule_files(FILES).rules.values():
        assert rule.labels["severity"] in {"page", "ticket", "info", "none"}
        assert rule.annotations["summary"]
