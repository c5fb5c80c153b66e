"""A law held against many generated examples at once, where looking once costs more than an example does."""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import Phase, given, settings
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")
AT_ONCE = 100


def check_together(examples: SearchStrategy[T], check: Callable[[list[T]], None]) -> None:
    """Hold `check` against as many examples as the profile says.

    Where it fails, the error is that of few of them, of one where it fails alone, and names them.
    """
    drawn = generate(examples)
    for first in range(0, len(drawn), AT_ONCE):
        some = drawn[first : first + AT_ONCE]
        if _failure(check, some):
            _narrowed(check, some)


def generate(examples: SearchStrategy[T]) -> list[T]:
    """What hypothesis would try, one after the other."""
    drawn: list[T] = []

    @settings(phases=[Phase.explicit, Phase.generate])
    @given(examples)
    def draw(example: T) -> None:
        drawn.append(example)

    draw()
    return drawn


def _failure(check: Callable[[list[T]], None], examples: list[T]) -> AssertionError | None:
    try:
        check(examples)
    except AssertionError as failure:
        return failure
    return None


def _narrowed(check: Callable[[list[T]], None], examples: list[T]) -> None:
    """Halve the examples for as long as a half fails without the other, and fail with what is left."""
    middle = len(examples) // 2
    for half in (examples[:middle], examples[middle:]) if middle else ():
        if _failure(check, half):
            _narrowed(check, half)
    failure = _failure(check, examples) or AssertionError("failed once and not again")
    failure.add_note(f"with {examples!r}")
    raise failure
