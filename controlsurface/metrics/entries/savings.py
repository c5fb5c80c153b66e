"""What the router saves, against baselines that have a name.

A baseline prices the same requests anew. A request's own calls to the lane are its price there: the large call of a
cascade is what all-large would have paid for it. Else a shadow call is. Of all others the price follows from their
input tokens, by task type and lane (counterfactual.py), and so has an interval; `baseline_known_share` says how many
requests told by themselves. What the baseline is compared with is all that was paid: calls that failed or were not good
enough, and the router's own. Prices are those of the whole question, so savings add up over any breakdown. Answers from
caches have savings of their own and are left out here.

Source of the baselines: RouteLLM (Ong et al. 2024) compares routers with one model alone and with a random router.
"""

from controlsurface.metrics.metric import Metric


def _saving(side: str, text: str) -> Metric:
    """What a baseline would have cost more than was paid."""
    return Metric(
        f"saving_vs_{'random' if side == 'random' else f'all_{side}'}",
        help=text,
        sql=f"sum({side}_baseline_usd) - sum({side}_paid_usd)",
        unit="usd",
        better="higher",
        kind="difference",
        priced=f"sum({side}_paid) / sum(payable)",
        error=f"sqrt(nullif(sum({side}_variance), 'inf'))",
    )


_PER_BASELINE = (
    "sum(large_paid_usd) * sqrt(nullif(sum(large_variance), 'inf')) / nullif(power(sum(large_baseline_usd), 2), 0)"
)
METRICS = (
    _saving(
        "large", "Saved against sending every request to the escalation lane at once; negative: the router costs more."
    ),
    Metric(
        "saving_share_vs_all_large",
        help="What was saved against sending every request to the escalation lane, as a share of what that would cost.",
        sql="1 - sum(large_paid_usd) / sum(large_baseline_usd)",
        unit="ratio",
        better="higher",
        kind="difference",
        error=_PER_BASELINE,
    ),
    Metric(
        "cost_against_all_escalated",
        help="What requests cost, overhead included, by what they would have cost in an escalation lane at once: "
        "above 1, routing costs more than it saves.",
        sql="sum(large_paid_usd) / sum(large_baseline_usd)",
        unit="ratio",
        better="lower",
        kind="mean",
        error=_PER_BASELINE,
    ),
    _saving("small", "Saved against never escalating; as a rule negative, and then what escalation was paid for."),
    _saving(
        "random",
        "Saved against a router that escalates as many requests by lot: what choosing the requests brings in money.",
    ),
    Metric(
        "baseline_known_share",
        help="Share of requests whose cost in an escalation lane is known from a call of their own or a shadow; "
        "that of the others is estimated by task type and lane.",
        sql="sum(large_known) / sum(basis)",
        unit="ratio",
        better="higher",
    ),
)
