"""Where rules of a user's own lie: places that the configuration names, and a folder of the data directory."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from controlsurface.config import Config

RULES_FOLDER = "alerts"  # in the data directory: rules made on the page or by the API, where no folder is configured


def with_rule_folders(config: Config, own: Sequence[Path], data: Path) -> Config:
    """The configuration with further files and folders of rules: `own`, and that of the data directory."""
    places = (*config.alerts.directories, *map(str, own), str(data / RULES_FOLDER))
    return config.model_copy(
        update={"alerts": config.alerts.model_copy(update={"directories": tuple(dict.fromkeys(places))})}
    )


def make_rules_folder(data: Path) -> None:
    """The folder of rules in a data directory; where nothing can be written there, nothing can be made there later."""
    with suppress(OSError):
        (data / RULES_FOLDER).mkdir(exist_ok=True)
