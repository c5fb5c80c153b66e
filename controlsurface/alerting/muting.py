"""What is held back now, and by what: silences, other alerts, and the mute times of a route."""

from collections.abc import Callable, Sequence
from datetime import datetime

from controlsurface.alerting.episodes import Episode
from controlsurface.alerting.inhibition import Inhibitors, Rule
from controlsurface.alerting.mute_times import is_within
from controlsurface.alerting.routing import Route
from controlsurface.alerting.silences import Silence, silencing


def muting(
    episodes: Sequence[Episode], silences: Sequence[Silence], rules: Sequence[Rule], now: datetime
) -> Callable[[Episode, Route], bool]:
    """The judge of one look: whether an episode is held back on a route."""
    sources = Inhibitors(episodes, rules)
    held = {each.key: held_by(each, sources, silences, now) is not None for each in episodes}

    def muted(episode: Episode, route: Route) -> bool:
        return held[episode.key] or any(is_within(now, each) for each in route.mutes)

    return muted


def held_by(episode: Episode, sources: Inhibitors, silences: Sequence[Silence], now: datetime) -> str | None:
    """What holds an episode back, in words; None: nothing does."""
    if silence := silencing(silences, episode.labels, now):
        return f"silence {silence.id}"
    if source := sources.of(episode):
        return f"alert {source.labels.get('alertname', '')} {source.key}"
    return None
