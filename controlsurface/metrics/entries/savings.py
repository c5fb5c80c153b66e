"""What the router saves, against baselines that have a name.

A baseline prices the same requests anew: their input tokens, at what a lane's lone calls cost for each input token in
the same window. So the lane's own prices and its own length of answers are in it. What the baseline is compared with is
all that was paid: calls that failed or were not good enough, and the router's own. The price is that of all groups
together, so savings add up over any breakdown. Answers from caches have savings of their own and are left out here.

Source of the baselines: RouteLLM (Ong et al. 2024) compares routers with one model alone and with a random router.
"""

from controlsurface.metrics.metric import Metric

_LARGE = "total(large_usd) / total(large_tokens)"
_SMALL = "total(small_usd) / total(small_tokens)"
_ESCALATED = "total(basis_escalated) / total(basis)"
_RANDOM = f"({_ESCALATED} * {_LARGE} + (1 - {_ESCALATED}) * {_SMALL})"
_KNOWN = "sum(basis) / sum(payable)"


def _saving(name: str, price: str, text: str) -> Metric:
    """What a baseline would have cost more than was paid."""
    sql = f"sum(basis_tokens) * {price} - sum(basis_usd)"
    return Metric(name, help=text, sql=sql, unit="usd", better="higher", kind="difference", priced=_KNOWN)


METRICS = (
    _saving(
        "saving_vs_all_large",
        _LARGE,
        "Saved against sending every request to the escalation lane at once; negative: the router costs more.",
    ),
    Metric(
        "saving_share_vs_all_large",
        help="What was saved against sending every request to the escalation lane, as a share of what that would cost.",
        sql="1 - total(large_tokens) / total(large_usd) * sum(basis_usd) / sum(basis_tokens)",
        unit="ratio",
        better="higher",
        kind="difference",
    ),
    _saving(
        "saving_vs_all_small",
        _SMALL,
        "Saved against never escalating; as a rule negative, and then what escalation was paid for.",
    ),
    _saving(
        "saving_vs_random",
        _RANDOM,
        "Saved against a router that escalates as many requests by lot: what choosing the requests brings in money.",
    ),
)
