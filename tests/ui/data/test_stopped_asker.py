"""Who waits for an answer that another asked for gets it, though the other was stopped meanwhile.

With fast reruns Streamlit stops a run by an exception in it, and starts the next beside it: pages that followed one
another quickly were blank (streamlit/streamlit 9100, 9259).
"""

import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from streamlit.runtime.scriptrunner_utils.exceptions import StopException

from controlsurface.client.result_cache import SharedResults


def test_a_run_that_waits_for_the_answer_of_a_stopped_run_asks_itself() -> None:
    answers = SharedResults[int](timedelta(seconds=10), 8)
    asked, stop = threading.Event(), threading.Event()
    found: list[int] = []

    def ask_and_be_stopped(_: Sequence[str]) -> Mapping[str, int]:
        asked.set()
        stop.wait(10)
        raise StopException

    def first() -> None:
        with pytest.raises(StopException):
            answers.of(["q"], ask_and_be_stopped)

    stopped = threading.Thread(target=first)
    stopped.start()
    asked.wait(10)
    waiting = threading.Thread(target=lambda: found.extend(answers.of(["q"], lambda names: dict.fromkeys(names, 7))))
    waiting.start()
    stop.set()
    waiting.join(10)
    stopped.join(10)
    assert found == [7]


def test_a_failure_is_told_to_all_who_wait() -> None:
    answers = SharedResults[int](timedelta(seconds=10), 8)
    with pytest.raises(ValueError, match="no"):
        answers.of(["q"], lambda _: (_ for _ in ()).throw(ValueError("no")))
    assert answers.of(["q"], lambda names: dict.fromkeys(names, 7)) == [7]
