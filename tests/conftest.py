"""What all tests share: how hypothesis searches, where real data lies, and when skipping is forbidden."""

import gc
import os
from collections.abc import Generator
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("CONTROLSURFACE_SHARED", ROOT.parent / "shared"))
NO_SKIP = os.environ.get("CONTROLSURFACE_NO_SKIP") == "1"

settings.register_profile(
    "ci",
    deadline=None,  # a shared machine stalls now and then
    derandomize=True,  # the same examples everywhere, so that a red run can be repeated
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", parent=settings.get_profile("ci"), derandomize=False, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


HOMES = count()


@pytest.fixture(autouse=True)
def nothing_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads or writes the home of whoever runs it; its own is made by who writes there, as few tests do."""
    home = tmp_path_factory.getbasetemp() / "homes" / str(next(HOMES))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "share"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    for name in ("API", "TOKEN", "CONFIG", "DATA"):
        monkeypatch.delenv(f"CONTROLSURFACE_{name}", raising=False)
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of exports captured from real clients."""
    return shared("captures")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets."""
    return shared("data")


def shared(name: str) -> Path:
    if not (SHARED / name).is_dir():
        pytest.skip(f"{name} is not beside the repository; CONTROLSURFACE_SHARED names the folder that holds it")
    return SHARED / name


def pytest_collection_finish() -> None:
    """What is imported and collected by now stays to the end: garbage need not be looked for among it."""
    gc.collect()
    gc.freeze()


# What their files share takes long to make, and two browsers at once keep each other waiting.
WHOLE_FOLDERS = ("tests/browser/", "tests/demo/")


class FileScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """The tests of a file, or of a folder that shares more, on one worker: what a module makes is made once.

    Marks of `xdist_group` group nothing since pytest 9.2 (pytest-xdist issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in WHOLE_FOLDERS if nodeid.startswith(folder)), nodeid.split("::", 1)[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling | None:
    return FileScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


# A browser, its pages and their servers share two cores with everything else; a wait may be in vain once.
TRIED_TWICE = "tests/browser/"
TRIED_AGAIN = "tried again after"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A browser test that fails is tried once more, and the summary names it with what it failed with first."""
    if not item.nodeid.startswith(TRIED_TWICE):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if first := next((each for each in reports if each.failed), None):
        item._initrequest()  # type: ignore[attr-defined]  # as pytest does for a new run
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        for each in reports:
            each.user_properties.append((TRIED_AGAIN, f"{first.when}: {first.longreprtext.splitlines()[-1:]}"))
    for each in reports:
        item.ihook.pytest_runtest_logreport(report=each)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was tried again, since a test that often needs it is at fault."""
    for report in (each for name in ("passed", "failed") for each in terminalreporter.stats.get(name, ())):
        for name, text in getattr(report, "user_properties", ()):
            if name == TRIED_AGAIN and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid} {TRIED_AGAIN} {text}")


R = TypeVar("R", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return forbid_skipping((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return forbid_skipping((yield))


def forbid_skipping(report: R) -> R:
    """The report, red where it was skipped and CONTROLSURFACE_NO_SKIP=1 forbids that."""
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipping is forbidden here, but: {report.longrepr}"
    return report
