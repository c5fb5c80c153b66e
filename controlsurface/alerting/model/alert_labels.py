"""Label sets: what tells one alert from another."""

from collections.abc import Iterable, Mapping

# Sorted by name; a label without a value is no label (as in Prometheus), and so is not here.
Labels = tuple[tuple[str, str], ...]

ALERT_NAME_LABEL = "alertname"


def label_set(*layers: Mapping[str, str | None]) -> Labels:
    """The label set of several layers, of which later ones win.

    >>> label_set({"lane": "small", "team": None}, {"severity": "page"})
    (('lane', 'small'), ('severity', 'page'))
    """
    merged = {name: value for layer in layers for name, value in layer.items()}
    return tuple(sorted((name, value) for name, value in merged.items() if value))


def format_labels(found: Iterable[tuple[str, str]]) -> str:
    """The label set as people write it: `{lane="small"}`."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in found) + "}"
