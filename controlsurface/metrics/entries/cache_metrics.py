"""What was not asked again, and what could wait.

A cache answers a request where no call did. A hit of a layer is told apart from that: after a component, an embedding
or a choice of a model from a cache a call may still answer.
"""

from controlsurface.metrics.measures import CACHE_LAYERS
from controlsurface.metrics.metric import Metric

_CACHES = {"": "a", "_exact": "an exact", "_semantic": "a semantic", "_component": "a component"}
_ANSWERS = tuple(
    Metric(
        f"cache_hit_rate{kind}",
        help=f"Share of requests answered from {cache} cache: no call gave the answer.",
        sql=f"sum(cached{kind}) / sum(n)",
        unit="ratio",
        better="higher",
    )
    for kind, cache in _CACHES.items()
)
_LAYERS = tuple(
    Metric(
        f"cache_layer_rate_{layer}",
        help=f"Share of requests in which the {layer} cache had something; a call may have answered all the same.",
        sql=f"sum(layer_{layer}) / sum(n)",
        unit="ratio",
        better="higher",
    )
    for layer in CACHE_LAYERS
)
_SAVED = (
    Metric(
        "cache_saving",
        help="What answers from a cache would have cost: each the mean of what calls answered in the whole window.",
        # one price for all groups and buckets, so savings add up over any breakdown
        sql="whole(called_usd) / whole(cost_known_called) * sum(cached)",
        unit="usd",
        better="higher",
        kind="sum",
    ),
    Metric(
        "prompt_cache_share",
        help="Share of input tokens that a provider read from its prompt cache.",
        sql="sum(cached_tokens) / sum(input_tokens)",
        unit="ratio",
        better="higher",
        kind="share",
        source="attempts",
    ),
    Metric(
        "prompt_cache_saving",
        help="What providers took less for input tokens that their prompt cache had, by the price list.",
        sql="sum(cache_saving_usd)",
        unit="usd",
        better="higher",
        kind="sum",
        source="attempts",
        priced="sum(parted) / sum(billable)",
    ),
    Metric(
        "batch_share",
        help="Share of requests sent as batch, of those whose mode is known.",
        sql="sum(batched) / sum(mode_known)",
        unit="ratio",
        better="higher",
    ),
    Metric(
        "batch_saving",
        help="What batch calls cost less than in real time, by the price list.",
        sql="sum(batch_saving_usd)",
        unit="usd",
        better="higher",
        kind="sum",
        source="attempts",
        priced="sum(batch_parted) / sum(batch_billable)",
    ),
    Metric(
        "batch_discount",
        help="The discount realised on batch calls: what they cost less, as a share of their price in real time.",
        sql="sum(batch_saving_usd) / sum(batch_full_usd)",
        unit="ratio",
        better="higher",
        kind="share",
        source="attempts",
    ),
    Metric(
        "batchable_share",
        help="Share of job requests, for which nobody waits, that were sent in real time.",
        sql="sum(job_realtime) / sum(job_moded)",
        unit="ratio",
        better="lower",
    ),
)
METRICS = (*_ANSWERS, *_LAYERS, *_SAVED)
