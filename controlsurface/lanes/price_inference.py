"""Which lane a model is assumed to be in where nobody says it: by its list price beside those of the others seen.

The seen models with a price are cut at the widest gap between neighbouring prices, on a scale of factors: below it is
small, above it large. Of gaps of equal width the dearer one counts. Where the widest gap is under GAP, or only one
price is seen, prices say nothing. A model without a list price, or where prices say nothing, is told by the number of
parameters in its name (7b, 70b, 8x7b), and stays unknown without one: other words in names are not facts.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from controlsurface.config import LARGE_LANE, SMALL_LANE

MIN_PRICE_RATIO = 3  # the dearer side costs at least so many times the cheaper one
BLEND_INPUT_TOKENS, BLEND_OUTPUT_TOKENS = 3, 1  # tokens of each in the blended price: prompts are longer than answers
MIN_LARGE_PARAMETERS_B = 20  # billions of parameters from which a model is large

_PARAMETERS = re.compile(r"(?:^|[-_:.])(?:(\d{1,3})x)?(\d{1,4}(?:\.\d{1,3})?)b(?=$|[-_:.])")


@dataclass(frozen=True, slots=True)
class SeenModel:
    """A model as lanes name it, and its blended list price in USD per million tokens; None where none is known.

    `counted`: it answers users. What only classifies or judges is placed by the cut, and does not move it.
    """

    name: str
    usd: Decimal | None = None
    counted: bool = True


def blended_price(usd_in: Decimal | None, usd_out: Decimal | None) -> Decimal | None:
    """One price of INPUT tokens read and OUTPUT written; None where a side has no price, or is free.

    >>> blended_price(Decimal("0.25"), Decimal("2"))
    Decimal('0.6875')
    """
    if not usd_in or not usd_out:
        return None
    return (BLEND_INPUT_TOKENS * usd_in + BLEND_OUTPUT_TOKENS * usd_out) / (BLEND_INPUT_TOKENS + BLEND_OUTPUT_TOKENS)


def infer_lanes(seen: Iterable[SeenModel]) -> dict[str, str | None]:
    """The lane of each name, whatever the order of the models; None: unknown. Of several prices the lowest counts."""
    models: dict[str, SeenModel] = {}
    for each in seen:
        models[each.name] = _joined(models.get(each.name, each), each)
    cut = _cut({each.usd for each in models.values() if each.counted and each.usd})
    return {name: _lane(models[name], cut) for name in sorted(models)}


def parameters_b(name: str) -> float | None:
    """Billions of parameters that a name states.

    >>> parameters_b("qwen2.5-7b-instruct"), parameters_b("mixtral-8x7b"), parameters_b("gemma3:27b")
    (7.0, 56.0, 27.0)
    >>> parameters_b("gpt-4o-mini"), parameters_b("qwen3-30b-a3b")
    (None, 30.0)
    """
    found = _PARAMETERS.search(name.lower())
    return float(found[2]) * int(found[1] or 1) if found else None


def _joined(one: SeenModel, other: SeenModel) -> SeenModel:
    prices = [usd for usd in (one.usd, other.usd) if usd is not None]
    return SeenModel(one.name, min(prices, default=None), one.counted or other.counted)


def _cut(prices: Iterable[Decimal]) -> tuple[Decimal, Decimal] | None:
    """The two prices beside the widest gap; None where none is wide enough."""
    gaps = [(Fraction(high) / Fraction(low), low, high) for low, high in pairwise(sorted(prices))]
    factor, low, high = max(gaps, default=(Fraction(0), Decimal(0), Decimal(0)))
    return (low, high) if factor >= MIN_PRICE_RATIO else None


def _lane(model: SeenModel, cut: tuple[Decimal, Decimal] | None) -> str | None:
    if model.usd and cut:
        low, high = cut
        return SMALL_LANE if model.usd * model.usd < low * high else LARGE_LANE
    size = parameters_b(model.name)
    return None if size is None else SMALL_LANE if size < MIN_LARGE_PARAMETERS_B else LARGE_LANE


def inferred_lanes_text(lanes: Mapping[str, str | None]) -> str:
    """Each lane and its models, cheap to dear, the unknown ones last.

    >>> inferred_lanes_text({"a": "large", "b": "small", "c": None, "d": "small"})
    'small = b, d; large = a; unknown: c'
    """
    told = {f"{SMALL_LANE} = ": SMALL_LANE, f"{LARGE_LANE} = ": LARGE_LANE, "unknown: ": None}
    models = {title: sorted(name for name, its in lanes.items() if its == lane) for title, lane in told.items()}
    return "; ".join(title + ", ".join(names) for title, names in models.items() if names)
