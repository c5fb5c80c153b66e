"""Which entry of which price list a model's name means, as clients write it: prefixes, regions, dates and all."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from genai_prices import data_snapshot
from genai_prices.types import ClauseContains, ClauseEndsWith, ClauseOr, ClauseStartsWith, ModelInfo, Provider

from controlsurface.money.provider_names import Seller, find_seller

# A region is a part of the name before the model: one of these words, or what AWS and Google call a place.
_GEOGRAPHIES = "us-gov|global-standard|global|apac|us|eu|au|jp|ca|uk|ap|in|sa|me"
_COMPASS = "(?:north|south|east|west|central)[a-z]*"
_AWS = rf"(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-gov|-iso[a-z]?)?-{_COMPASS}-\d"
_GOOGLE = rf"(?:africa|asia|australia|europe|me|northamerica|southamerica|us)-{_COMPASS}\d+"
_REGION = re.compile(rf"(?:{_GEOGRAPHIES}|{_AWS}|{_GOOGLE})")
_PROFILE = re.compile(rf"({_GEOGRAPHIES})\.[a-z0-9-]+\.")  # of Amazon Bedrock: us.anthropic.claude-...
_BEDROCK = re.compile(rf"(?:(?:{_GEOGRAPHIES})\.)?[a-z0-9-]+\.[a-z]")
# Places whose prices the lists give where they name none: anywhere, and for Bedrock the east of the United States.
_EVERYWHERE = {"global", "global-standard"}
_HOME = {"aws": {"us", "us-east-1", "us-east-2", "us-west-2"}}
_JOINTS = "/.:@"


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model in a price list. `region`: the list prices it, but not for this region. `assumed`: see Rate."""

    provider: Provider
    model: ModelInfo
    region: str | None = None
    assumed: bool = False

    @property
    def own(self) -> bool:
        """Whether the provider lists the model itself; its service tiers and batch prices hold only then."""
        return any(each is self.model for each in self.provider.models)


def find_listed_model(provider: str | None, model: str) -> ListedModel | None:
    """The entry that prices a model as sent, or None: nobody lists it, lists differ, or it runs on own hardware.

    A provider that is known decides alone. One that is not (a proxy, a framework, none) leaves it to the model's name:
    to the list that its prefix names, else to its publisher's own, else to all that know it, where they agree.
    """
    name = model.lower().strip()
    if name.endswith(":free"):  # costs nothing within limits that nobody tells us
        return None
    who = find_seller(provider)
    if who.list and (found := _in_list(who.list, name)):
        return replace(found, assumed=who.kind == "resembles")
    if who.kind in {"listed", "own"}:
        return None
    found = _by_prefix(name) or _alone(name)
    return found and replace(found, assumed=found.assumed or bool(provider))


def _by_prefix(name: str) -> ListedModel | None:
    """By the list that the name's first part means: `anthropic/claude-...`, `litellm_proxy/azure/eu/gpt-4o`."""
    prefix, joint, rest = name.partition("/")
    if not joint:
        return None
    who: Seller = find_seller(prefix)
    if who.kind == "through":
        return _by_prefix(rest)
    return _in_list(who.list, rest, name) if who.list else None


def _alone(name: str) -> ListedModel | None:
    """By the model's name alone: its publisher's list, else every list that knows it, if they say the same."""
    if any(find_seller(part).kind == "own" for part in name.split("/")[:-1]):
        return None
    last = name.rpartition("/")[2]
    everyone = data_snapshot.get_snapshot().providers
    if _BEDROCK.match(last) and (found := _in_list(next(each for each in everyone if each.id == "aws"), name)):
        return replace(found, assumed=True)
    known = [found for each in everyone if (found := _in_list(replace(each, fallback_model_providers=None), name))]
    published = [each for each in known if each.provider.model_match and each.provider.model_match.is_match(last)]
    if not known or (not published and any(each != known[0].model.prices for each in _prices_of(last, known))):
        return None
    return replace((published or known)[0], assumed=True)


def _prices_of(last: str, known: list[ListedModel]) -> list[Any]:
    """What every list says of a model that has this name behind whatever prefix, or that was found by it."""
    return [each.model.prices for each in known] + [each.prices for each in _by_last_part().get(last, ())]


@cache
def _by_last_part() -> dict[str, list[ModelInfo]]:
    """All models of all lists by the last part of each of their names."""
    named: dict[str, list[ModelInfo]] = {}
    for model in (each for provider in data_snapshot.get_snapshot().providers for each in provider.models):
        for name in {text.rpartition("/")[2] for text in (model.id.lower(), *_texts(model.match))}:
            named.setdefault(name, []).append(model)
    return named


def listed_names() -> list[str]:
    """The names of all models that some list has, without prefixes."""
    return sorted(_by_last_part())


def _in_list(provider: Provider, name: str, whole: str = "") -> ListedModel | None:
    """The entry of one list, and the region that it does not know."""
    region = _region(name)
    for spelling in _spellings(name, region, whole):
        model = provider.find_model(spelling, all_providers=data_snapshot.get_snapshot().providers)
        if model and (spelling.startswith((model.id.lower(), provider.id)) or _means(model, spelling)):
            return ListedModel(provider, model, _unknown_region(provider, model, spelling, region))
    return None


def _spellings(name: str, region: str | None, whole: str) -> Iterator[str]:
    """As sent, as Bedrock names a region's profile, without the region, and without one prefix after the other."""
    parts = name.split("/")
    yield from dict.fromkeys((whole, name)) if whole else (name,)
    if region and not _PROFILE.match(parts[-1]):
        yield f"{_geography(region)}.{parts[-1]}"
    parts = [part for part in parts if part != region]
    yield from ("/".join(parts[first:]) for first in range(len(parts)))


def _region(name: str) -> str | None:
    """The region in a name: a part of its path, the third word of an ARN, or a Bedrock profile's first."""
    *path, last = name.split("/")
    if profile := _PROFILE.match(last):
        return profile[1]
    words = path + (name.split(":")[3:4] if name.startswith("arn:") else [])
    return next((word for word in words if _REGION.fullmatch(word)), None)


def _geography(region: str) -> str:
    """The word in Bedrock's profiles for an AWS region."""
    special = {"ap-northeast-1": "jp", "ap-northeast-3": "jp", "ap-southeast-2": "au", "ap-southeast-4": "au"}
    if "-" not in region or region.startswith("us-gov"):  # a partition of its own, whose prices no profile tells
        return region
    return special.get(region) or {"ap": "apac"}.get(region[:2], region[:2])


def _unknown_region(provider: Provider, model: ModelInfo, spelling: str, region: str | None) -> str | None:
    if region is None or region in _EVERYWHERE or region in _HOME.get(provider.id, ()):
        return None
    named = any(f"{_geography(region)}." in text and text in spelling for text in _texts(model.match))
    return None if named else region


def _texts(match: object) -> Iterator[str]:
    """The names that a matching rule speaks of."""
    for value in vars(match).values():
        yield from [value.lower()] if isinstance(value, str) else [text for each in value for text in _texts(each)]


def _means(model: ModelInfo, name: str) -> bool:
    """Whether a model that the library finds by a name is what the name says; dates that it rewrites always are."""
    return not model.is_match(name) or _fits(model.match, name)


def _fits(match: object, name: str) -> bool:
    """Whether a rule means the name, and not another that has its text in it: `my-o4-mini` is not `o4-mini`."""
    if isinstance(match, ClauseOr):
        return any(_fits(each, name) for each in match.or_)
    if not match.is_match(name):  # type: ignore[attr-defined]  # every clause has it
        return False
    if isinstance(match, ClauseStartsWith):
        return _ends(name, match.starts_with)
    if isinstance(match, ClauseContains):
        text = match.contains.lower()
        return any(_begins(name, each.start(), text) for each in re.finditer(re.escape(text), name))
    if isinstance(match, ClauseEndsWith):
        return _begins(name, len(name) - len(match.ends_with), match.ends_with)
    return True


def _begins(name: str, at: int, text: str) -> bool:
    """Whether nothing but a prefix, ended by a joint, goes before the text."""
    return at == 0 or name[at - 1] in _JOINTS or not text[0].isalnum()


def _ends(name: str, text: str) -> bool:
    """Whether the text's last word ends where it does in the name; digits may follow digits."""
    after = name[len(text) : len(text) + 1]
    return not (after.isalpha() and text[-1].isalnum())
