"""Bodies checked apart, in a process of their own, are judged as they are here, whatever happens to that process."""

import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from controlsurface.config import Content
from controlsurface.errors import BadBody, TooLarge
from controlsurface.ingest.body import Body
from controlsurface.ingest.checker import Apart, Here
from tests.launch import is_alive, until
from tests.receivers.bodies import body, span, traces
from tests.receivers.conftest import VOCABULARIES, policy

PROMPT = traces(span({"gen_ai.input.messages": "hello", "k": "v"})).SerializeToString()
OWNER = """
from controlsurface.config import Content
from controlsurface.ingest.checker import Apart
print(Apart(Content(), ())._process.pid, flush=True)
input()
"""


class Deadly(Body):
    """Ends the process that unpacks it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (1,)


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    with closing(Apart(Content(), VOCABULARIES)) as checker:
        yield checker


@pytest.mark.parametrize(
    "sent",
    [
        Body("traces", body(3)),
        Body("traces", PROMPT),
        Body("traces", gzip.compress(PROMPT), coding="gzip"),
        Body("traces", traces(span(trace=bytes(16))).SerializeToString()),
        Body("logs", b""),
        Body("metrics", b"{}", "json"),
    ],
)
def test_bodies_are_judged_apart_as_they_are_here(apart: Apart, sent: Body) -> None:
    assert apart.check(sent) == Here(policy(Content())).check(sent)


def test_what_is_wrong_with_a_body_is_said_in_the_same_words(apart: Apart) -> None:
    with pytest.raises(BadBody, match="not an ExportTraceServiceRequest"):
        apart.check(Body("traces", b"\xff"))
    with pytest.raises(TooLarge, match="10 bytes"):
        apart.check(Body("traces", gzip.compress(PROMPT), coding="gzip", limit=10))


def test_a_body_that_ends_the_process_is_refused_and_the_next_is_taken(apart: Apart) -> None:
    with pytest.raises(BadBody, match="ended twice"):
        apart.check(Deadly("traces", b"x"))
    assert apart.check(Body("traces", body(3)))[0].accepted == 3


def test_a_process_that_was_killed_is_replaced_without_a_word_to_the_sender(apart: Apart) -> None:
    os.kill(apart._process.pid, signal.SIGKILL)
    assert apart.check(Body("traces", body(3)))[0].accepted == 3


def test_the_process_ends_with_an_owner_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout
        checker = int(owner.stdout.readline())
        assert is_alive(checker)
        owner.kill()
    assert until(lambda: not is_alive(checker))
