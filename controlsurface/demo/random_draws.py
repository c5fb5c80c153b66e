"""All chance of a block of requests, drawn before anything is decided.

Every scenario draws the same numbers, so that two scenarios differ only where the event makes them differ.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from controlsurface.arrays import Floats, Ints
from controlsurface.demo import demo_company

Ids = npt.NDArray[np.uint64]

TASK_SHARES = np.array([task.share for task in demo_company.TASKS])
TASK_EASE = np.array([task.ease for task in demo_company.TASKS])
TASK_CERTAINTY = np.array([task.sure for task in demo_company.TASKS])
IDS_PER_REQUEST = 10  # of one request: two halves of the trace id, its own span, up to seven calls

# What the uniform columns decide, and what the normal columns spread, one column each.
UniformColumn = IntEnum(
    "UniformColumn",
    "USER STAGING BATCH NEW_VERSION CACHED SEMANTIC PROMPT_CACHED CLASSIFIED SMALL_FAILS SMALL_RETRIED "
    "SMALL_RETRY_FAILS ERROR_KIND CORRECT SMALL_GATE LARGE_GATE JUDGED LARGE_FAILS LARGE_RETRY_FAILS SHADOWED "
    "LABEL AGREES",
    start=0,
)
NormalColumn = IntEnum("NormalColumn", "CONFIDENCE INPUT OUTPUT LARGE_OUTPUT ROUTING SMALL_SPEED LARGE_SPEED", start=0)


@dataclass(frozen=True, slots=True)
class RandomDraws:
    """One entry a request; `u` holds a column for each UniformColumn, `z` one for each NormalColumn."""

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
