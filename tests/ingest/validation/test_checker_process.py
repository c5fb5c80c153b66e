"""Bodies checked apart, in a process of their own, are judged as they are here, whatever happens to that process."""

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from controlsurface.config import ContentConfig, ReceiverConfig
from controlsurface.errors import BadBody, Busy, OverLimit, TooLarge
from controlsurface.ingest.validation import checker_process
from controlsurface.ingest.validation.checker_process import InlineChecker, ProcessChecker
from controlsurface.ingest.wire.otlp_request import RequestBody
from tests.ingest.conftest import VOCABULARIES, policy
from tests.ingest.otlp_bodies import body, span, traces
from tests.launch import is_alive, until

PROMPT = traces(span({"gen_ai.input.messages": "hello", "k": "v"})).SerializeToString()
OWNER = """
from controlsurface.config import ContentConfig
from controlsurface.ingest.validation.checker_process import ProcessChecker
print(ProcessChecker(ContentConfig(), ())._process.pid, flush=True)
input()
"""


class Deadly(RequestBody):
    """Ends the process that unpacks it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (1,)


class Sleepy(RequestBody):
    """Keeps the process that unpacks it."""

    def __reduce__(self) -> tuple[object, ...]:
        return time.sleep, (20,)


class Greedy(RequestBody):
    """Takes 4 GiB in the process that unpacks it."""

    def __reduce__(self) -> tuple[object, ...]:
        return bytes, (4 << 30,)


@pytest.fixture(scope="module")
def apart() -> Iterator[ProcessChecker]:
    with closing(ProcessChecker(ContentConfig(), VOCABULARIES)) as each:
        yield each


@pytest.mark.parametrize(
    "sent",
    [
        RequestBody("traces", body(3)),
        RequestBody("traces", PROMPT),
        RequestBody("traces", gzip.compress(PROMPT), coding="gzip"),
        RequestBody("traces", traces(span(trace=bytes(16))).SerializeToString()),
        RequestBody("logs", b""),
        RequestBody("metrics", b"{}", "json"),
    ],
)
def test_the_process_checker_judges_bodies_as_the_inline_checker_does(apart: ProcessChecker, sent: RequestBody) -> None:
    assert apart.check(sent) == InlineChecker(policy(ContentConfig())).check(sent)


def test_the_process_checker_reports_a_bad_body_in_the_same_words(apart: ProcessChecker) -> None:
    with pytest.raises(BadBody, match="not an ExportTraceServiceRequest"):
        apart.check(RequestBody("traces", b"\xff"))
    with pytest.raises(TooLarge, match="10 bytes"):
        apart.check(RequestBody("traces", gzip.compress(PROMPT), coding="gzip", limit=10))


def test_a_body_that_ends_the_checker_process_is_refused_and_the_next_is_taken(apart: ProcessChecker) -> None:
    with pytest.raises(BadBody, match="ended twice"):
        apart.check(Deadly("traces", b"x"))
    assert apart.check(RequestBody("traces", body(3)))[0].accepted == 3


def test_a_killed_checker_process_is_replaced_without_an_error_to_the_sender(apart: ProcessChecker) -> None:
    os.kill(apart._process.pid, signal.SIGKILL)
    assert apart.check(RequestBody("traces", body(3)))[0].accepted == 3


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessChecker]:
    """Gives a body half a second, once it runs."""
    monkeypatch.setattr(checker_process, "POLL_INTERVAL_S", 0.05)
    with closing(
        ProcessChecker(ContentConfig(), VOCABULARIES, (), ReceiverConfig.model_validate({"check_timeout": "500ms"}))
    ) as apart:
        apart.check(RequestBody("traces", body()))
        yield apart


def test_a_hung_checker_process_is_replaced_and_its_body_may_come_again(hasty: ProcessChecker) -> None:
    os.kill(hasty._process.pid, signal.SIGSTOP)
    with pytest.raises(Busy, match="check_timeout"):
        hasty.check(RequestBody("traces", body(3)))
    assert hasty.check(RequestBody("traces", body(3)))[0].accepted == 3
    assert hasty.restarts == 1


def test_a_checker_process_that_hangs_with_a_body_too_large_for_the_pipe_is_replaced(hasty: ProcessChecker) -> None:
    os.kill(hasty._process.pid, signal.SIGSTOP)
    with pytest.raises(Busy, match="check_timeout"):
        hasty.check(RequestBody("traces", bytes(8 << 20)))


def test_a_body_over_which_the_checker_process_hangs_twice_is_refused_for_good(hasty: ProcessChecker) -> None:
    sleepy = Sleepy("traces", b"x")
    with pytest.raises(Busy):
        hasty.check(sleepy)
    hasty.check(RequestBody("traces", body()))
    with pytest.raises(OverLimit, match="twice"):
        hasty.check(sleepy)


def test_an_idle_checker_process_that_hangs_is_found_and_replaced(
    hasty: ProcessChecker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checker_process, "PING_AFTER_IDLE_S", 0.2)
    monkeypatch.setattr(checker_process, "PING_TIMEOUT_S", 0.2)
    stopped = hasty._process.pid
    os.kill(stopped, signal.SIGSTOP)
    assert until(lambda: not is_alive(stopped), 10)
    assert until(lambda: hasty.restarts == 1, 10)
    assert hasty.check(RequestBody("traces", body(3)))[0].accepted == 3


def test_a_checker_process_that_is_long_over_one_body_is_a_reason_for_not_being_ready(
    hasty: ProcessChecker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checker_process, "SLOW_BODY_S", 0.1)
    assert hasty.problem == ""

    def keep_busy() -> None:
        with pytest.raises(Busy):
            hasty.check(Sleepy("traces", b"y"))

    waiting = threading.Thread(target=keep_busy)
    waiting.start()
    assert until(lambda: "busy" in hasty.problem, 5)
    waiting.join()
    assert hasty.problem == ""


def test_a_hung_checker_process_does_not_keep_its_owner_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker_process, "_END_TIMEOUT_S", 0.1)
    apart = ProcessChecker(ContentConfig(), VOCABULARIES)
    os.kill(apart._process.pid, signal.SIGSTOP)
    apart.close()
    assert not is_alive(apart._process.pid)


def test_a_body_that_takes_all_memory_ends_nothing_but_itself() -> None:
    with closing(ProcessChecker(ContentConfig(), VOCABULARIES, (), ReceiverConfig(max_http_body=1 << 20))) as small:
        with pytest.raises((OverLimit, BadBody)):
            small.check(Greedy("traces", b"x"))
        assert small.check(RequestBody("traces", body(3)))[0].accepted == 3


def test_the_checker_process_ends_with_an_owner_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout
        checked_by = int(owner.stdout.readline())
        assert is_alive(checked_by)
        owner.kill()
    assert until(lambda: not is_alive(checked_by))
