"""Prometheus's expanding notation for the values of a series: `0+0.1x5 0.5x10 _x3 1`.

`a+bxn` is a, a+b, ... a+n*b; `axn` is n+1 times a; `_` is no sample and `_xn` n of them.
https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series
"""

import re
from functools import lru_cache

_NUMBER_PATTERN = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_ITEM_PATTERN = re.compile(
    rf"(?:(?P<none>_)|(?P<first>{_NUMBER_PATTERN})(?P<step>[-+](?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)?)(?:x(?P<times>\d+))?"
)
MAX_SAMPLES = 100_000


@lru_cache(maxsize=64)
def expand_series(text: str) -> tuple[float | None, ...]:
    """The samples, None where there is none. Raises ValueError naming the item.

    >>> expand_series("1+2x2 _ 0.5x1")
    (1.0, 3.0, 5.0, None, 0.5, 0.5)
    """
    samples: list[float | None] = []
    for item in text.split():
        samples += _expand_item(item)
        if len(samples) > MAX_SAMPLES:
            raise ValueError(f"more than {MAX_SAMPLES:,} samples")
    return tuple(samples)


def _expand_item(item: str) -> list[float | None]:
    """The samples of one item."""
    found = _ITEM_PATTERN.fullmatch(item)
    if found is None or (found["step"] and not found["times"]) or int(found["times"] or 0) > MAX_SAMPLES:
        raise ValueError(f"'{item}' cannot be read; write 0.5, 0.5x10, 0+0.1x10, _ or _x10")
    times = int(found["times"] or 0)
    if found["none"]:
        return [None] * (times if found["times"] else 1)
    first, step = float(found["first"]), float(found["step"] or 0)
    return [first + step * i for i in range(times + 1)]
