"""What the options of `controlsurface profile` say."""

from collections.abc import Mapping, Sequence

from controlsurface.config import ProfileConfig
from controlsurface.errors import BadRequest


def read_pairs(flag: str, form: str, given: Sequence[str]) -> dict[str, str]:
    """The two sides of each option. Raises BadRequest."""
    found = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not (name and sign and value):
            raise BadRequest(f"{flag} {each}: write {form}")
        found[name] = value
    return found


def read_mix(given: Sequence[str], tasks: Sequence[str]) -> Mapping[str, float]:
    """Requests a day by task type, of `TASK=N`. Raises BadRequest."""
    found = {}
    for task, text in read_pairs("--mix", "TASK=N", given).items():
        if task not in tasks:
            raise BadRequest(f"--mix {task}={text}: no prompt of that task type; there are {', '.join(sorted(tasks))}")
        try:
            found[task] = float(text)
        except ValueError:
            raise BadRequest(f"--mix {task}={text}: '{text}' is no number") from None
    return found


def read_bounds(config: ProfileConfig, alone: float | None, escalating: float | None) -> ProfileConfig:
    """The configured bounds with the options put in. Raises BadRequest."""
    given = {name: each for name, each in (("alone", alone), ("escalating", escalating)) if each is not None}
    found = config.model_copy(update=given)
    if not 0 < found.escalating <= found.alone <= 1:
        raise BadRequest(f"0 < escalating <= alone <= 1, not {found.escalating:g} and {found.alone:g}")
    return found
