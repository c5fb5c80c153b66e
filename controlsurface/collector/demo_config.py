"""The configuration of a server that simulates traffic: as it is written, and what a visitor should see besides."""

from controlsurface.config import Config
from controlsurface.config.alert_delivery import LogConfig

DEMO_TEXT_PATTERN = "controlsurface.demo.*"  # prompts and answers that nobody has written
DEMO_NOTIFIER = "log"


def demo_config(config: Config) -> Config:
    """Keeps the texts of the simulation and no others; alerts go to the log where nobody else is told."""
    content, delivery = config.content, config.delivery
    if content.store == "none" and DEMO_TEXT_PATTERN not in content.keep:
        content = content.model_copy(update={"keep": (*content.keep, DEMO_TEXT_PATTERN)})
    if not delivery.notifiers:
        delivery = delivery.model_copy(update={"notifiers": {DEMO_NOTIFIER: LogConfig(kind="log")}})
    return config.model_copy(update={"content": content, "delivery": delivery})
