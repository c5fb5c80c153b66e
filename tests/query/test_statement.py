"""Statements run side by side: answers in order, each on the answer's budget, the first error told."""

import pytest

from controlsurface.errors import Abandoned, BadRequest
from controlsurface.query.statement import run_concurrently
from controlsurface.store.query_budget import QueryBudget, check_budget, spend_budget


@pytest.mark.parametrize("count", [1, 2, 5])
def test_answers_come_in_the_order_of_the_questions(count: int) -> None:
    assert run_concurrently(lambda n: n * 2, range(count)) == [n * 2 for n in range(count)]


@pytest.mark.parametrize("count", [1, 3])
def test_all_statements_spend_the_budget_of_the_answer(count: int) -> None:
    with spend_budget(QueryBudget(10)) as budget:
        budget.cancel()
        with pytest.raises(Abandoned):
            run_concurrently(lambda _: check_budget(), range(count))


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_an_error_of_any_statement_is_raised(wrong: int) -> None:
    def run(n: int) -> int:
        if n == wrong:
            raise BadRequest(f"{n}")
        return n

    with pytest.raises(BadRequest, match=f"^{wrong}$"):
        run_concurrently(run, range(3))
