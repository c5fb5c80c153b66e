"""Episodes by their labels, on a clock that tests move."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from controlsurface.alerting.episodes import Episode, Facts, dedup_key
from controlsurface.alerting.grouping import Desk, Sending, plan
from controlsurface.alerting.inhibition import Rule
from controlsurface.alerting.muting import muting
from controlsurface.alerting.routing import routes
from controlsurface.alerting.silences import Silence
from controlsurface.channels import Delivery

EPOCH = datetime(2026, 1, 5, 12, tzinfo=UTC)


def episode(starts_at: datetime = EPOCH, facts: Facts | None = None, **labels: str) -> Episode:
    labels = {"alertname": "High"} | labels
    return Episode(dedup_key("High", labels, starts_at), labels, starts_at, None, facts or Facts(rule="High"))


@dataclass
class Clockwork:
    """Delivery on a virtual clock; `sent` has the minute since the epoch and what was sent."""

    delivery: Delivery
    silences: list[Silence] = field(default_factory=list)
    desk: Desk = field(default_factory=Desk)
    now: datetime = EPOCH
    sent: list[tuple[float, Sending]] = field(default_factory=list)

    def put(self, *episodes: Episode) -> None:
        kept = {each.key: each for each in self.desk.episodes} | {each.key: each for each in episodes}
        self.desk = replace(self.desk, episodes=tuple(kept.values()))

    def run(self, step: timedelta = timedelta(seconds=5), **length: float) -> list[Sending]:
        """Let time pass; what was sent in it."""
        before, until = len(self.sent), self.now + timedelta(**length)
        rules = [Rule.of(each) for each in self.delivery.inhibit]
        while self.now < until:
            self.now += step
            muted = muting(self.desk.episodes, self.silences, rules, self.now)
            found = plan(self.desk, routes(self.delivery), muted, self.now)
            self.desk = found.desk
            self.sent += [((self.now - EPOCH) / timedelta(minutes=1), each) for each in found.sendings]
        return [sending for _, sending in self.sent[before:]]
