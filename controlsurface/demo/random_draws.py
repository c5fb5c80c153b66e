"""All chance of a block of requests, drawn before anything is decided.

Every scenario draws the same numbers, so that two scenarios differ only where the event makes them differ.
"""

from dataclasses import dataclass
from enum import IntEnum, auto

import numpy as np
import numpy.typing as npt

from controlsurface.arrays import Floats, Ints
from controlsurface.demo import demo_company

Ids = npt.NDArray[np.uint64]

TASK_SHARES = np.array([task.share for task in demo_company.TASKS])
TASK_EASE = np.array([task.ease for task in demo_company.TASKS])
TASK_CERTAINTY = np.array([task.sure for task in demo_company.TASKS])
IDS_PER_REQUEST = 10  # of one request: two halves of the trace id, its own span, up to seven calls


class UniformColumn(IntEnum):
    """What the uniform columns decide, one column each."""

    USER = 0
    STAGING = auto()
    BATCH = auto()
    NEW_VERSION = auto()
    CACHED = auto()
    SEMANTIC = auto()
    PROMPT_CACHED = auto()
    CLASSIFIED = auto()
    SMALL_FAILS = auto()
    SMALL_RETRIED = auto()
    SMALL_RETRY_FAILS = auto()
    ERROR_KIND = auto()
    CORRECT = auto()
    SMALL_GATE = auto()
    LARGE_GATE = auto()
    JUDGED = auto()
    LARGE_FAILS = auto()
    LARGE_RETRY_FAILS = auto()
    SHADOWED = auto()
    LABEL = auto()
    AGREES = auto()


class NormalColumn(IntEnum):
    """What the normal columns spread, one column each."""

    CONFIDENCE = 0
    INPUT = auto()
    OUTPUT = auto()
    LARGE_OUTPUT = auto()
    ROUTING = auto()
    SMALL_SPEED = auto()
    LARGE_SPEED = auto()


@dataclass(frozen=True, slots=True)
class RandomDraws:
    """One entry a request; `u` holds a uniform column a Question, `z` a normal column a Scatter."""

    at_ns: Ints
    task: Ints
    tenant: Ints
    ease: Floats
    u: Floats
    z: Floats
    ids: Ids


def draw_arrivals(random: np.random.Generator, start_ns: int, length_ns: int, expected: float) -> RandomDraws:
    """The requests that arrive within a block, in order of arrival."""
    n = int(random.poisson(expected))
    task = random.choice(len(TASK_SHARES), n, p=TASK_SHARES)
    return RandomDraws(
        at_ns=start_ns + np.sort(random.integers(0, length_ns, n)),
        task=task,
        tenant=random.choice(len(demo_company.TENANTS), n, p=demo_company.TENANT_SHARES),
        ease=random.beta(TASK_EASE[task] * TASK_CERTAINTY[task], (1 - TASK_EASE[task]) * TASK_CERTAINTY[task]),
        u=random.random((n, len(UniformColumn))),
        z=random.standard_normal((n, len(NormalColumn))),
        ids=random.integers(1, 2**64 - 1, (n, IDS_PER_REQUEST), dtype=np.uint64),
    )
