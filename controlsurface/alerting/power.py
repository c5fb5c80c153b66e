"""How soon a drift could be found at all: few requests a day carry little information."""

import numpy as np

from controlsurface.alerting.baseline import Floats


def detection_hours(
    rate: Floats | float,
    a_day: Floats | float,
    odds_ratio: float,
    threshold: float,
    tolerance: Floats | float = 1.2,
    phi: Floats | float = 1.0,
) -> Floats:
    """Hours until a drift by `odds_ratio` is expected to be found: 24 x threshold x phi / (KL x requests a day).

    `threshold` is ln(ARL); KL is the divergence of the drifted rate from the near edge of the band. Infinite where the
    drift lies inside the band, or without requests.
    """
    odds = np.asarray(rate / (1 - np.asarray(rate)))
    edge = tolerance if odds_ratio > 1 else 1 / np.asarray(tolerance)
    drifted, near = (factor * odds / (1 + factor * odds) for factor in (odds_ratio, edge))
    beyond = np.abs(np.log(odds_ratio)) > np.log(tolerance)
    with np.errstate(divide="ignore"):
        hours: Floats = np.where(beyond, 24 * threshold * phi / (divergence(drifted, near) * a_day), np.inf)
    return hours


def divergence(one: Floats, other: Floats) -> Floats:
    """Kullback-Leibler's, of two Bernoulli rates, in nats."""
    found: Floats = one * np.log(one / other) + (1 - one) * np.log((1 - one) / (1 - other))
    return found
