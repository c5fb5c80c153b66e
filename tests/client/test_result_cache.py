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


def test_only_what_nobody_asked_is_asked_and_all_of_it_at_once() -> None:
    answers, ask = SharedResults[str](LONG, 10), Asked()
    assert answers.of(["a", "b"], ask) == ["A", "B"]
    assert answers.of(["c", "b", "d", "c"], ask) == ["C", "B", "D", "C"]
    assert ask.rounds == [["a", "b"], ["c", "d"]]


def test_what_is_too_old_or_too_much_is_asked_anew() -> None:
    for answers in (SharedResults[str](timedelta(0), 10), SharedResults[str](LONG, 1)):
        ask = Asked()
        for name in ("a", "b", "a"):
            answers.of([name], ask)
        assert ask.rounds == [["a"], ["b"], ["a"]]


def test_what_is_forgotten_is_asked_anew() -> None:
    answers, ask = SharedResults[str](LONG, 10), Asked()
    answers.of(["a"], ask)
    answers.forget()
    answers.of(["a"], ask)
    assert ask.rounds == [["a"], ["a"]]


def test_a_failure_is_raised_and_asked_anew() -> None:
    answers, ask = SharedResults[str](LONG, 10), Asked()
    with pytest.raises(ZeroDivisionError):
        answers.of(["a"], lambda _: {"a": str(1 // 0)})
    assert answers.of(["a"], ask) == ["A"]


def test_who_asks_what_is_under_way_waits_for_it() -> None:
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
