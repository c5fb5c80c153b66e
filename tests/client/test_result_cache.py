"""Answers are shared while they are fresh, asked for once, and a failure is not kept."""

import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from controlsurface.client.result_cache import SharedResults

LONG = timedelta(hours=1)


class Asked:
    """Answers a question with its own text, and remembers which were asked together."""

    def __init__(self) -> None:
        self.rounds: list[Sequence[str]] = []

    def __call__(self, names: Sequence[str]) -> Mapping[str, str]:
        self.rounds.append([*names])
        return {name: name.upper() for name in names}


def test_shared_results_run_only_missing_queries_and_all_at_once() -> None:
    answers, ask = SharedResults[str](LONG, 10), Asked()
    assert answers.of(["a", "b"], ask) == ["A", "B"]
    assert answers.of(["c", "b", "d", "c"], ask) == ["C", "B", "D", "C"]
    assert ask.rounds == [["a", "b"], ["c", "d"]]


def test_a_shared_result_that_is_too_old_or_evicted_is_queried_anew() -> None:
    for answers in (SharedResults[str](timedelta(0), 10), SharedResults[str](LONG, 1)):
        ask = Asked()
        for name in ("a", "b", "a"):
            answers.of([name], ask)
        assert ask.rounds == [["a"], ["b"], ["a"]]


def test_a_forgotten_result_is_queried_anew() -> None:
    answers, ask = SharedResults[str](LONG, 10), Asked()
    answers.of(["a"], ask)
    answers.forget()
    answers.of(["a"], ask)
    assert ask.rounds == [["a"], ["a"]]


def test_a_failed_query_is_raised_and_run_anew() -> None:
    answers, ask = SharedResults[str](LONG, 10), Asked()
    with pytest.raises(ZeroDivisionError):
        answers.of(["a"], lambda _: {"a": str(1 // 0)})
    assert answers.of(["a"], ask) == ["A"]


def test_a_query_under_way_is_awaited_and_not_run_again() -> None:
    answers, ask, under_way, go_on = SharedResults[str](LONG, 10), Asked(), threading.Event(), threading.Event()

    def slowly(names: Sequence[str]) -> Mapping[str, str]:
        under_way.set()
        go_on.wait(20)
        return ask(names)

    first = threading.Thread(target=lambda: answers.of(["a"], slowly))
    first.start()
    under_way.wait(20)
    found: list[str] = []
    second = threading.Thread(target=lambda: found.extend(answers.of(["a"], ask)))
    second.start()
    go_on.set()
    first.join(20)
    second.join(20)
    assert found == ["A"]
    assert ask.rounds == [["a"]]
