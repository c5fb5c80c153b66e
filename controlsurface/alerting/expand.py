"""Prometheus's expanding notation for the values of a series: `0+0.1x5 0.5x10 _x3 1`.

`a+bxn` is a, a+b, ... a+n*b; `axn` is n+1 times a; `_` is no sample and `_xn` n of them.
https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series
"""

import re
from functools import lru_cache

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_ITEM = re.compile(
    rf"(?:(?P<none>_)|(?P<first>{_NUMBER})(?P<step>[-+](?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)?)(?:x(?P<times>\d+))?"
)
MOST = 100_000


@lru_cache(maxsize=64)
def expanded(text: str) -> tuple[float | None, ...]:
    """The samples, None where there is none. Raises ValueError naming the item.

    >>> expanded("1+2x2 _ 0.5x1")
    (1.0, 3.0, 5.0, None, 0.5, 0.5)
    """
    samples: list[float | None] = []
    for item in text.split():
        samples += _item(item)
        if len(samples) > MOST:
            raise ValueError(f"more than {MOST:,} samples")
    return tuple(samples)


def _item(item: str) -> list[float | None]:
    """The samples of one item."""
    found = _ITEM.fullmatch(item)
    if found is None or (found["step"] and not found["times"]) or int(found["times"] or 0) > MOST:
        raise ValueError(f"'{item}' cannot be read; write 0.5, 0.5x10, 0+0.1x10, _ or _x10")
    times = int(found["times"] or 0)
    if found["none"]:
        return [None] * (times if found["times"] else 1)
    first, step = float(found["first"]), float(found["step"] or 0)
    return [first + step * i for i in range(times + 1)]
