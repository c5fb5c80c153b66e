"""Which price list a provider's name means: a table of names, and behind it rules for what no table has."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from genai_prices import data_snapshot
from genai_prices.data_snapshot import find_provider_by_id
from genai_prices.types import Provider

_TABLE = tomllib.loads(Path(__file__).with_name("provider_names.toml").read_text("utf-8"))

IMAGES_AS_TEXT = frozenset(_TABLE["images_as_text"]["lists"])

# listed: a price list is meant. resembles: the name has that of a list in it. through: no seller is named.
# own: a server of one's own. unknown: a name that nobody knows.
SellerKind = Literal["listed", "resembles", "through", "own", "unknown"]


@dataclass(frozen=True, slots=True)
class Seller:
    """What a provider's name says about who sold a call; `list` is there where a list is meant or resembled."""

    kind: SellerKind
    list: Provider | None = None


def find_seller(name: str | None) -> Seller:
    """Who is meant by a provider's name as sent, in any case of letters; None and "" name nobody."""
    if not name or not name.strip():
        return Seller("through")
    for word in _shortened(name.lower().strip()):
        if found := _table().get(_spelled(word)):
            return found
    resembled = find_provider_by_id(data_snapshot.get_snapshot().providers, name)
    return Seller("resembles", resembled) if resembled else Seller("unknown")


def _shortened(word: str) -> Iterator[str]:
    """The word, then without what follows its last dot: `groq.chat`, `openai.responses`, `google.vertex.chat`."""
    yield word
    while "." in word:
        word = word.rpartition(".")[0]
        yield word


def _spelled(word: str) -> str:
    return word.replace("_", "-").replace(" ", "-")


@cache
def _table() -> dict[str, Seller]:
    """Every name that is known. Names of lists are known by themselves, and go before all others."""
    lists = {each.id: each for each in data_snapshot.get_snapshot().providers}
    names = {_spelled(name): Seller("through") for name in _TABLE["through"]["names"]}
    names |= {_spelled(name): Seller("own") for name in _TABLE["own_hardware"]["names"]}
    meant = {name: ours for ours, theirs in _TABLE["lists"].items() for name in theirs}
    names |= {_spelled(name): Seller("listed", lists[ours]) for name, ours in meant.items() if ours in lists}
    return names | {_spelled(name): Seller("listed", each) for name, each in lists.items()}
