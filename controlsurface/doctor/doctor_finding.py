"""What a check found."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """`fail`: something does not work; `warn`: figures may mislead; `ok`: looked at and well."""

    check: str
    verdict: Literal["ok", "warn", "fail"]
    text: str
