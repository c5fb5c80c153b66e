"""The colours of both themes: one for each lane everywhere, one for what changed, grey for the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NAMED_LANES = ("small", "large", "cache", "unknown", "routed", "cascaded", "fallback")


@dataclass(frozen=True, slots=True, eq=False)  # two of them, told apart by identity
class Palette:
    """Colours as CSS text; `lanes` has every name of NAMED, `others` serves what a user named himself."""

    name: str
    background: str
    surface: str
    border: str
    text: str
    quiet: str
    grid: str
    spike: str
    accent: str
    changed: str
    good: str
    bad: str
    rest: str
    lanes: Mapping[str, str]
    others: tuple[str, ...]
    heat: tuple[str, ...]

    def lane(self, name: str | None) -> str:
        """The colour of a lane or escalation kind: the same on every page, in every session."""
        return self.lanes.get(name or "unknown") or self.others[sum(map(ord, str(name))) % len(self.others)]

    def rank(self, name: str | None) -> int:
        """Where a name comes among those of NAMED; after them what a user named himself."""
        return [*self.lanes, name or "unknown"].index(name or "unknown")


DARK = Palette(
    name="dark",
    background="#0B0E13",
    surface="#141922",
    border="#222A36",
    text="#DCE3EC",
    quiet="#8C98A8",
    grid="rgba(140,152,168,.12)",
    spike="#4A5668",
    accent="#5B9DFF",
    changed="#F0A04B",
    good="#3FB68B",
    bad="#F2655C",
    rest="#465163",
    lanes=MappingProxyType(
        dict(
            zip(NAMED_LANES, ("#35B8A6", "#A98BF5", "#7AC5E8", "#6B7788", "#A98BF5", "#F0A04B", "#F2655C"), strict=True)
        ),
    ),
    others=("#5B9DFF", "#E8C547", "#D98CC9", "#8FBF6A"),
    heat=("#0F1622", "#17294A", "#2A5298", "#2F8AA8", "#35B8A6", "#9FE0B4", "#F4F3C3"),
)

LIGHT = Palette(
    name="light",
    background="#FFFFFF",
    surface="#F4F6F9",
    border="#DCE2EA",
    text="#1B2430",
    quiet="#5A6675",
    grid="rgba(90,102,117,.14)",
    spike="#9AA5B4",
    accent="#2563CF",
    changed="#A35B0C",
    good="#1B7F5C",
    bad="#C93A31",
    rest="#C3CAD4",
    lanes=MappingProxyType(
        dict(
            zip(NAMED_LANES, ("#138D7E", "#7C5CDB", "#2B7BBB", "#8A94A3", "#7C5CDB", "#C87A1E", "#C93A31"), strict=True)
        ),
    ),
    others=("#2F6FDE", "#9A7D0A", "#A94F97", "#5C8A35"),
    heat=("#F1F4F9", "#D5E1F5", "#9DBCEB", "#5B8FD9", "#2F6FB0", "#1D5A86", "#123A54"),
)
