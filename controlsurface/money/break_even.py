"""From how many requests on a router pays: its fixed cost against what it saves on each request."""


def break_even_requests(fixed_usd: float, saved_usd: float, spent_usd: float = 0.0) -> float | None:
    """Requests for which a router saves what it costs; None where it never does.

    `fixed_usd` is owed whatever is asked; of each request `saved_usd` is saved by who answers, and `spent_usd` is paid
    to decide it. It is over the same time as the fixed cost: a cost by the month gives requests a month.

    >>> break_even_requests(50, 0.0052, 0.0002)
    10000.0
    >>> break_even_requests(50, 0.0002, 0.0002) is None
    True
    """
    left = saved_usd - spent_usd
    if fixed_usd <= 0:
        return 0.0 if left >= 0 else None
    return round(fixed_usd / left, 6) if left > 0 else None
