"""Advice about task types of which a wrong answer does much harm, and that nothing checks."""

import numpy as np

from controlsurface.client.advice.advice_context import AdviceContext
from controlsurface.client.advice.advice_row import MIN_SUPPORT_ROWS, Advice, Row, RuleFinding, row_advice
from controlsurface.client.task_profile.profile_queries import task_profiles
from controlsurface.metrics.statistics import wilson_interval


def advise_unchecked_harm(ask: AdviceContext) -> RuleFinding:
    """Task types of high blast radius, as people wrote, whose answers no gate judges and no other lane repeats."""
    rows = [row for row in task_profiles(ask.session, ask.start, ask.end) if row["blast_radius"] == "high"]
    total = ask.total("requests") or 1
    bare = [row for row in rows if row["n"] >= MIN_SUPPORT_ROWS and not row["gated"] and not row["shadowed"]]
    return RuleFinding(
        [_bare(row, row["requests"] / total) for row in bare], max((row["n"] for row in rows), default=0)
    )


def _bare(profile: Row, share: float) -> Advice:
    task, n = profile["task_type"], profile["n"]
    ends = wilson_interval(np.array([0.0]), np.array([float(n)]))
    row = {"value": 0.0, "low": float(ends[0][0]), "high": float(ends[1][0]), "n": n}
    why = (
        f"The task profile says that a wrong answer does much harm, and of {n:,} requests none was judged by a gate "
        "or answered by another lane to compare. Add a gate, or audit a sample."
    )
    title = f"{task}: high blast radius, no gate, no audit"
    return row_advice("blast_radius", title, why, "gated_share", row, f"task_type:{task}", "quality", share)
