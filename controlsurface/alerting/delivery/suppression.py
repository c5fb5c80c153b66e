"""What is held back now, and by what: silences, other alerts, and the mute times of a route."""

from collections.abc import Callable, Sequence
from datetime import datetime

from controlsurface.alerting.delivery.inhibition import InhibitionIndex, InhibitionRule
from controlsurface.alerting.delivery.mute_times import is_within_mute_time
from controlsurface.alerting.delivery.routing import NotificationRoute
from controlsurface.alerting.delivery.silences import Silence, find_silence
from controlsurface.alerting.model.episode import Episode


def suppression_check(
    episodes: Sequence[Episode], silences: Sequence[Silence], rules: Sequence[InhibitionRule], now: datetime
) -> Callable[[Episode, NotificationRoute], bool]:
    """The judge of one look: whether an episode is held back on a route."""
    sources = InhibitionIndex(episodes, rules)
    held = {each.key: suppressed_by(each, sources, silences, now) is not None for each in episodes}

    def muted(episode: Episode, route: NotificationRoute) -> bool:
        return held[episode.key] or any(is_within_mute_time(now, each) for each in route.mutes)

    return muted


def suppressed_by(episode: Episode, sources: InhibitionIndex, silences: Sequence[Silence], now: datetime) -> str | None:
    """What holds an episode back, in words; None: nothing does."""
    if silence := find_silence(silences, episode.labels, now):
        return f"silence {silence.id}"
    if source := sources.of(episode):
        return f"alert {source.labels.get('alertname', '')} {source.key}"
    return None
