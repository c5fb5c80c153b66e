"""The configuration of a server that simulates traffic: as it is written, and what a visitor should see besides."""

from decimal import Decimal
from typing import Any

from controlsurface.config import Config
from controlsurface.config.alert_delivery import LogConfig
from controlsurface.config.budgets import BudgetConfig
from controlsurface.config.control_costs import ControlConfig

DEMO_TEXT_PATTERN = "controlsurface.demo.*"  # prompts and answers that nobody has written
DEMO_NOTIFIER = "log"
DEMO_BUDGETS = tuple(
    BudgetConfig(name=team.capitalize(), team=team, usd=Decimal(usd))
    for team, usd in (("support", 900), ("legal", 900), ("research", 450), ("engineering", 600))
)
DEMO_CONTROL = ControlConfig(hourly_usd=90)


def demo_config(config: Config) -> Config:
    """Keeps the texts of the simulation and no others; alerts go to the log where nobody else is told.

    Where there are none, teams have budgets and an hour of an engineer a price.
    """
    content, delivery = config.content, config.delivery
    if content.store == "none" and DEMO_TEXT_PATTERN not in content.keep:
        content = content.model_copy(update={"keep": (*content.keep, DEMO_TEXT_PATTERN)})
    if not delivery.notifiers:
        delivery = delivery.model_copy(update={"notifiers": {DEMO_NOTIFIER: LogConfig(kind="log")}})
    told: dict[str, Any] = {"budgets": config.budgets or DEMO_BUDGETS}
    told |= {} if config.control.hourly_usd or config.control.team_hourly_usd else {"control": DEMO_CONTROL}
    return config.model_copy(update={"content": content, "delivery": delivery, **told})
