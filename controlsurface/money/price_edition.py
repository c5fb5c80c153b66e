"""An edition of the price book: all that decides what a call costs, beside the call."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

from controlsurface.config import CostsConfig
from controlsurface.money.price_book import PriceBook, read_book

LIST_PACKAGE = "genai-prices"


@dataclass(frozen=True)
class PriceEdition:
    """The user's prices, whether costs on spans are believed, and the version of the list that prices the rest."""

    prices: PriceBook
    trusts_spans: bool = True
    list_version: str = version(LIST_PACKAGE)

    @cached_property
    def content(self) -> str:
        """The user's prices as JSON, the same for the same prices, however the file writes them."""
        return self.prices.model_dump_json(exclude_defaults=True)

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits: what a call that was priced by this edition is marked with."""
        text = "\n".join([self.content, str(self.trusts_spans), self.list_version])
        return blake2b(text.encode(), digest_size=8).hexdigest()


def price_edition(costs: CostsConfig) -> PriceEdition:
    """The edition that the configuration and its price file make. Raises ConfigError naming every problem."""
    path = Path(costs.prices)
    return PriceEdition(read_book(path if path.exists() else None), costs.trust_spans)
