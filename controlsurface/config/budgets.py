"""What calls of a team, a tenant, a job or a kind of work may cost, week by week or month by month."""

from collections import Counter
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from controlsurface.config.section import ConfigSection

BudgetPeriod = Literal["week", "month"]
BUDGET_DIMENSIONS = ("tenant", "team", "task_type", "job")
OwnerName = Annotated[str, Field(min_length=1, max_length=200)]


class BudgetConfig(ConfigSection):
    """Money for a calendar period (UTC) of all calls that have the given values."""

    name: OwnerName = Field(description="of your choice; no two budgets have the same")
    usd: Decimal = Field(gt=0, max_digits=15, decimal_places=6, description="what each period may cost")
    period: BudgetPeriod = Field("month", description="calendar month, or week from Monday on, in UTC")
    tenant: OwnerName | None = Field(None, description="only calls of this tenant")
    team: OwnerName | None = Field(None, description="only calls of this team")
    task_type: OwnerName | None = Field(None, description="only calls for this kind of work")
    job: OwnerName | None = Field(None, description="only calls of this job")

    @property
    def owner(self) -> dict[str, str]:
        """The dimensions that are given; empty for a budget of all calls."""
        given = {name: getattr(self, name) for name in BUDGET_DIMENSIONS}
        return {name: value for name, value in given.items() if value is not None}


def _each_named_once(budgets: tuple[BudgetConfig, ...]) -> tuple[BudgetConfig, ...]:
    """The budgets. Raises ValueError for two of one name."""
    count = Counter(each.name for each in budgets)
    for name in count:
        if count[name] > 1:
            raise ValueError(f"{count[name]} budgets are named '{name}'; give each a name of its own")
    return budgets


Budgets = Annotated[tuple[BudgetConfig, ...], AfterValidator(_each_named_once)]
