"""The Prometheus text format, version 0.0.4: families of samples, escaped as it asks."""

from collections.abc import Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class MetricFamily:
    """One metric family and its samples."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def single_sample(name: str, kind: str, help_: str, value: float) -> MetricFamily:
    """A family of one sample."""
    return MetricFamily(name, kind, help_, (({}, value),))


def render_families(*families: MetricFamily) -> str:
    """Families, one after the other."""
    return "".join(map(_text, families))


def _text(family: MetricFamily) -> str:
    """One family: HELP, TYPE, samples."""
    head = f"# HELP {family.name} {_escaped(family.help)}\n# TYPE {family.name} {family.kind}\n"
    return head + "".join(f"{family.name}{_labels(labels)} {float(value)!r}\n" for labels, value in family.samples)


def _labels(labels: Mapping[str, str]) -> str:
    """`{lane="small"}`, or nothing."""
    pairs = ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(text: str, *, quotes: bool = False) -> str:
    """Backslash and line feed, and in label values the quote, are escaped."""
    escaped = text.replace("\\", r"\\").replace("\n", r"\n")
    return escaped.replace('"', r"\"") if quotes else escaped
