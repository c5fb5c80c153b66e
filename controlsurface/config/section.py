"""What every table of the configuration file is made of: sections that refuse unknown keys, durations, secrets."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
_PART = r"(\d+(?:\.\d+)?)"
_DURATION = re.compile("".join(rf"(?:{_PART}{unit})?" for unit in _UNITS), re.ASCII)


def parse_duration(text: object) -> object:
    """`90s`, `15m`, `1h30m`, `28d` as a timedelta; anything else is left for pydantic to judge."""
    if not isinstance(text, str):
        return text
    try:
        return timedelta(seconds=_seconds(text))
    except (ValueError, OverflowError):
        units = ", ".join(sorted(_UNITS, key=_UNITS.__getitem__))
        raise ValueError(f"'{text}' is not a duration; write a number and one of {units}") from None


def _seconds(text: str) -> float:
    """The sum of a duration's parts. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if not text or not found:
        raise ValueError(text)
    parts = zip(found.groups(), _UNITS.values(), strict=True)
    return sum(float(number) * seconds for number, seconds in parts if number)


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]


class SensitiveText:
    """The mark of a text that is never printed."""


class SensitiveAddress:
    """The mark of an address that is printed without what lets one in: user, password, path of a hook, query."""


Secret = Annotated[str, SensitiveText()]
Address = Annotated[str, SensitiveAddress()]


class ConfigSection(BaseModel):
    """A table of the file: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
