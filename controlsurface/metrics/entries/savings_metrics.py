"""What the router saves, against baselines that have a name.

A baseline prices the same requests anew. A request's own calls to the lane are its price there: the large call of a
cascade is what all-large would have paid for it. Else a shadow call is. Of all others the price follows from their
input tokens, by task type and lane (counterfactual.py); `baseline_known_share` says how many requests told by
themselves. There is an interval where as good as 20 calls of the same task type and lane tell, shadows as a rule: what
the router sent elsewhere is unlike what it kept. Nor is there one of head-sampled traffic.

What the baseline is compared with is all that was paid: calls that failed or were not good enough, and the router's
own. Prices are those of the whole question, so savings add up over any breakdown. Answers from caches have savings of
their own and are left out here.

Source of the baselines: RouteLLM (Ong et al. 2024) compares routers with one model alone and with a random router.
"""

from controlsurface.metrics.counterfactual import ESTIMATE_COLUMNS
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
        low=f"sum({side}_baseline_usd) - sum({side}_paid_usd) + {_end(side, -1)}",
        high=f"sum({side}_baseline_usd) - sum({side}_paid_usd) + {_end(side, 1)}",
    )


def _end(side: str, sign: int) -> str:
    """By how much the baseline may be dearer (1) or cheaper (-1)."""
    return f"cost_end({sign}, {', '.join(f'sum({side}_{name})' for name in ESTIMATE_COLUMNS)})"


def _against(sign: int) -> str:
    """What was paid by the baseline where that is as dear (1) or as cheap (-1) as it may be."""
    return f"sum(large_paid_usd) / nullif(sum(large_baseline_usd) + {_end('large', sign)}, 0)"


METRICS = (
    _saving(
        "large",
        "Saved against sending every request to the escalation lane at once; negative: the router costs more. The "
        "interval needs 20 shadows (or calls) of the same task type and lane.",
    ),
    Metric(
        "saving_share_vs_all_large",
        help="What was saved against sending every request to the escalation lane, as a share of what that would cost.",
        sql="1 - sum(large_paid_usd) / sum(large_baseline_usd)",
        unit="ratio",
        better="higher",
        kind="difference",
        low=f"1 - {_against(-1)}",
        high=f"1 - {_against(1)}",
    ),
    Metric(
        "cost_against_all_escalated",
        help="What requests cost, overhead included, by what they would have cost in an escalation lane at once: "
        "above 1, routing costs more than it saves.",
        sql="sum(large_paid_usd) / sum(large_baseline_usd)",
        unit="ratio",
        better="lower",
        kind="mean",
        low=_against(1),
        high=_against(-1),
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
