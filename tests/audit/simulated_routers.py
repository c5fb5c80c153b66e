"""Simulated routers whose truth is known: what is asked, which lane answers, which requests are shadowed."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from controlsurface.arrays import Flags, Floats
from controlsurface.audit.threshold_sweep import Observations, ObservedOutcome, sort_observations

NOW = 0.6  # the threshold in production


@dataclass(frozen=True)
class World:
    """Of each request: confidence, whether each lane's answer is right, what it costs."""

    confidence: Floats
    small: Floats
    large: Floats
    small_usd: Floats
    large_usd: Floats

    def at(self, threshold: float, what: str = "quality") -> float:
        small, large = (self.small, self.large) if what == "quality" else (self.small_usd, self.large_usd)
        return float(np.where(self.confidence < threshold, large, small).mean())


def world(random: np.random.Generator, n: int) -> World:
    confidence = random.beta(4, 2, n)
    small, large = random.random(n) < confidence, random.random(n) < 0.85
    spread = random.lognormal(0, 0.5, n)
    return World(confidence, small.astype(float), large.astype(float), 0.001 * spread, 0.02 * spread)


@cache
def everyone() -> World:
    return world(np.random.default_rng(99), 2_000_000)


def truth(threshold: float, what: str = "quality") -> float:
    return everyone().at(threshold, what)


def shadowed(
    random: np.random.Generator, made: World, low: float = 0.1, high: float = 0.4, graded: float = 1.0
) -> Observations:
    """What a router at NOW logs: more shadows where it is unsure, all answers graded with one probability."""
    up: Flags = made.confidence < NOW
    e = np.where(np.abs(made.confidence - NOW) < 0.15, high, low)
    paired, seen = random.random(len(e)) < e, random.random(len(e)) < graded
    sides = {}
    for name, small, large in (("quality", made.small, made.large), ("cost_usd", made.small_usd, made.large_usd)):
        given, other = np.where(up, large, small), np.where(up, small, large)
        known = seen if name == "quality" else np.ones_like(seen)
        g = np.full(len(e), graded if name == "quality" else 1.0)
        sides[name] = ObservedOutcome(np.where(known, given, np.nan), g, np.where(paired, other, np.nan), e)
    return sort_observations(made.confidence, up, np.ones(len(e)), sides)
