"""A metric: one formula over summed measures."""

import re
from dataclasses import dataclass
from typing import Literal

from controlsurface.query.dimensions import RowSource

Unit = Literal["count", "ratio", "ms", "usd", "tokens", "score"]
Better = Literal["lower", "higher", "neither"]
MetricKind = Literal["sum", "mean", "ratio", "share", "quantile", "distinct", "slope", "difference"]


@dataclass(frozen=True, slots=True)
class Metric:
    """What is shown, how it is computed and how it is to be read.

    `sql` is a formula over five words: `sum(x)` of a measure, `total(x)` of a measure over all groups of a bucket,
    `whole(x)` over all groups and buckets, `distinct(x)` values of a key, `quantile(x, q)` of a spread; they are
    defined in measures.py. Division by a zero sum is unknown. The last word of the formula says which rows the figure
    rests on: they are the answer's `n`.

    A figure in USD goes with its priced share, the formula `priced`.

    `group` is the catalogue's.

    Kinds: a ratio counts rows among rows, and so has a Wilson interval; a share is a part of a total that is not
    counted in rows; a slope may be negative, and has an interval of 1.96 times the formula `error` to either side;
    a difference may be negative; distinct counts different keys, which do not add up; sum, mean and quantile are what
    they say. What is estimated has the formulas `low` and `high` for the ends of its interval.
    """

    id: str
    help: str
    sql: str
    unit: Unit
    better: Better
    kind: MetricKind = "ratio"
    source: RowSource = "requests"
    priced: str = "sum(priced) / sum(billable)"
    error: str = ""
    low: str = ""
    high: str = ""
    group: str = ""

    @property
    def title(self) -> str:
        """The id as people read it.

        >>> Metric("ttft_p95", "", "sum(n)", "ms", "lower").title
        'TTFT P95'
        """
        if self.id in METRIC_TITLES:
            return METRIC_TITLES[self.id]
        words = self.id.split("_")
        return " ".join(_word(word, first=not place) for place, word in enumerate(words))

    @property
    def phrase(self) -> str:
        """The title inside a sentence.

        >>> Metric("context_over_80", "", "sum(n)", "ratio", "lower").phrase
        'context > 80 % full'
        """
        return self.title[:1].lower() + self.title[1:] if self.id in METRIC_TITLES else self.id.replace("_", " ")


# Titles of metrics whose id says it in other words than the field does.
METRIC_TITLES = {
    "confidence_below_threshold": "Below threshold",
    "confidence_knife_edge": "Near threshold",
    "context_over_80": "Context > 80 % full",
}


def _word(word: str, *, first: bool) -> str:
    """A word of an id: abbreviations in capitals, the first one with a capital."""
    if word in {"ttft", "usd"} or re.fullmatch(r"p\d+", word):
        return word.upper()
    return word.capitalize() if first else word
