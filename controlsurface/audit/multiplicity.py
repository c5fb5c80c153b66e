"""Many looks at once: the chance of each finding, corrected for how many were looked at."""

import numpy as np

from controlsurface.audit.estimate import Floats

LEVEL = 0.05  # of any false finding among all that are looked at together


def holm(chances: Floats) -> Floats:
    """The chances corrected for looking at all of them along the last axis (Holm 1979): findings are those under LEVEL.

    By rank, whatever their order; a larger chance is never corrected to a smaller one. NaN was not looked at.

    >>> holm(np.array([0.011, np.nan, 0.01])).tolist()
    [0.02, nan, 0.02]
    """
    order = np.argsort(chances, axis=-1)  # NaN last
    ranked = np.take_along_axis(chances, order, axis=-1)
    looks = np.isfinite(chances).sum(axis=-1, keepdims=True)
    corrected = np.maximum.accumulate(ranked * np.maximum(looks - np.arange(chances.shape[-1]), 1), axis=-1)
    found = np.empty_like(ranked)
    np.put_along_axis(found, order, np.minimum(corrected, 1), axis=-1)
    return found
