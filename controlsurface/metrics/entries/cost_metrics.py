"""What it cost."""

from controlsurface.metrics.metric import Metric


def _calls(name: str, measure: str, text: str) -> Metric:
    """How many calls lack something that their cost is made of."""
    sql = f"coalesce(sum({measure}), 0)"
    return Metric(name, help=text, sql=sql, unit="count", better="lower", kind="sum", source="attempts")


def _part(name: str, measure: str, what: str) -> Metric:
    """A part of the cost, which is known where a price list made it."""
    return Metric(
        name,
        help=f"{what}; of calls that a price list priced.",
        sql=f"sum({measure}_usd)",
        unit="usd",
        better="lower",
        kind="sum",
        source="attempts",
        priced="sum(parted) / sum(billable)",
    )


METRICS = (
    Metric(
        "cost",
        help="Money owed for all model calls with a known price, failed and overhead calls included.",
        sql="sum(cost_usd)",
        unit="usd",
        better="lower",
        kind="sum",
        source="attempts",
    ),
    Metric(
        "overhead_cost",
        help="Money owed for calls that do not answer: classifiers, embeddings, judges, shadows.",
        sql="sum(overhead_usd)",
        unit="usd",
        better="lower",
        kind="sum",
        source="attempts",
        priced="sum(overhead_priced) / sum(overhead_billable)",
    ),
    Metric(
        "cost_share",
        help="Each group's share of the known cost of its bucket; by lane, the lane's share of cost.",
        sql="sum(cost_usd) / total(cost_usd)",
        unit="ratio",
        better="neither",
        kind="share",
        source="attempts",
    ),
    Metric(
        "cost_per_request",
        help="Mean cost of a request's own calls, over requests whose cost is known in full.",
        sql="sum(cost_usd) / sum(cost_known)",
        unit="usd",
        better="lower",
        kind="mean",
    ),
    Metric(
        "cost_per_answer",
        help="Known cost of all requests per request that was answered: failures are paid for, too.",
        sql="sum(cost_usd) / sum(cost_known_answered)",
        unit="usd",
        better="lower",
        kind="mean",
    ),
    Metric(
        "priced_share",
        help="Share of billable model calls with a price for all that they have, such as audio and service tier.",
        sql="sum(priced) / sum(billable)",
        unit="ratio",
        better="higher",
        source="attempts",
    ),
    _calls(
        "unpriced_attempts",
        "unpriced",
        "Billable model calls without a price, or with a part that their price list has none for.",
    ),
    _calls(
        "calls_without_usage",
        "unmetered",
        "Billable model calls without a cost because they came without token counts: no price could help.",
    ),
    _calls(
        "streamed_calls_without_usage",
        "unmetered_streamed",
        "Streamed model calls without a cost because their stream carried no token counts.",
    ),
    Metric(
        "overhead_cost_share",
        help="Share of all known cost that went to classifiers, embeddings, judges and shadows.",
        sql="sum(overhead_usd) / sum(cost_usd)",
        unit="ratio",
        better="lower",
        kind="share",
        source="attempts",
    ),
    Metric(
        "overhead_cost_per_request",
        help="Known cost of classifiers, embeddings, judges and shadows per request.",
        sql="sum(overhead_request_usd) / sum(n)",
        unit="usd",
        better="lower",
        kind="mean",
    ),
    Metric(
        "cost_per_job",
        help="Known cost of calls that belong to a job, per job of that name.",
        sql="sum(job_usd) / distinct(paid_job)",
        unit="usd",
        better="lower",
        kind="mean",
        source="attempts",
        priced="sum(job_priced) / sum(job_billable)",
    ),
    Metric(
        "unpriced_models",
        help="Different models with billable calls that have no price, or none for a part of them.",
        sql="distinct(unpriced_model)",
        unit="count",
        better="lower",
        kind="distinct",
        source="attempts",
    ),
    _part("input_cost", "fresh", "Cost of fresh input, cache writes, searches and prices per request"),
    _part("cached_input_cost", "cached", "Cost of input tokens read from a provider's prompt cache"),
    _part("output_cost", "output", "Cost of output tokens, reasoning included"),
    _part("reasoning_cost", "reasoning", "Cost of output tokens spent on reasoning"),
)
