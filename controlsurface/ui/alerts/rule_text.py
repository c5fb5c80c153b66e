"""What an alert rule looks for, in a few words; its definition says what is not as usual."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from controlsurface.config.section import parse_duration
from controlsurface.formatting import format_period, format_value
from controlsurface.metrics.catalog import CATALOG

Row = Mapping[str, Any]


def describe_rule(about: Row, kind: str) -> str:
    """One line for a rule of any kind.

    >>> describe_rule({"metric": "error_rate", "above": {"over": "7d", "offset": "1d", "times": 1.5}}, "threshold")
    'error rate above 1.5 × that of the 7d until 1d ago, over 15m'
    >>> describe_rule({"gauge": "ingest_lag_seconds", "above": 120.0}, "gauge")
    'ingest lag seconds above 120'
    """
    return _DESCRIPTIONS[kind](about, f" by {', '.join(about['by'])}" if about.get("by") else "")


def _threshold(about: Row, by: str) -> str:
    side = "above" if about.get("above") is not None else "below"
    return f"{_plain(about['metric'])}{by} {side} {_bound(about, side)}, over {_span(about.get('over', '15m'))}"


def _bound(about: Row, side: str) -> str:
    """A number, or what the figure is held against."""
    bound, unit = about[side], CATALOG[about["metric"]].unit
    if isinstance(bound, int | float):
        return format_value(bound, unit)
    times = f"{bound['times']:g} × " if bound.get("times", 1) != 1 else ""
    ago = f" until {_span(bound['offset'])} ago" if "offset" in bound else ""
    past = f" of the {_span(bound['over'])}{ago}" if "over" in bound else ago
    least = f" and {format_value(bound['limit'], unit)}" if "limit" in bound else ""
    return f"{times}{_plain(bound['metric']) if 'metric' in bound else 'that'}{past}{least}"


def _lanes(about: Row, by: str) -> str:
    lanes = about.get("lanes") or {}
    if lanes.get("check") == "hidden_mode":
        return f"a lane's latency hides a second mode{by}"
    return f"{lanes.get('fast', 'small')} is not clearly faster than {lanes.get('slow', 'large')}{by}"


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _span(text: object) -> str:
    """A length of time as people write it."""
    found = parse_duration(text)
    return format_period(found if isinstance(found, timedelta) else timedelta(seconds=float(str(found))))


_DESCRIPTIONS: Mapping[str, Callable[[Row, str], str]] = {
    "threshold": _threshold,
    "drift": lambda about, by: f"{_plain(about['metric'])}{by} leaves its baseline",
    "gauge": lambda about, _: f"{_plain(about['gauge'])} above {about.get('above', 0):g}",
    "budget": lambda about, by: f"money goes {about['budget'].get('burn', 1):g} × as fast as its budget allows{by}",
    "lanes": _lanes,
    "event": lambda about, _: f"a change: {', '.join(about['event']['kinds'])}",
    "heartbeat": lambda *_: "always, to show that alerting works",
}
