"""Episodes by their labels, on a clock that tests move."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from controlsurface.alerting.delivery.grouping import DeliveryState, Notification, plan_notifications
from controlsurface.alerting.delivery.routing import build_routes
from controlsurface.alerting.delivery.silences import Silence
from controlsurface.alerting.delivery.suppression import InhibitionRule, suppression_check
from controlsurface.alerting.model import AlertSnapshot, Episode, dedup_key
from controlsurface.config.alert_delivery import DeliveryConfig

EPOCH = datetime(2026, 1, 5, 12, tzinfo=UTC)


def episode(starts_at: datetime = EPOCH, facts: AlertSnapshot | None = None, **labels: str) -> Episode:
    labels = {"alertname": "High"} | labels
    return Episode(dedup_key("High", labels, starts_at), labels, starts_at, None, facts or AlertSnapshot(rule="High"))


@dataclass
class DeliveryClock:
    """Delivery on a virtual clock; `sent` has the minute since the epoch and what was sent."""

    delivery: DeliveryConfig
    silences: list[Silence] = field(default_factory=list)
    desk: DeliveryState = field(default_factory=DeliveryState)
    now: datetime = EPOCH
    sent: list[tuple[float, Notification]] = field(default_factory=list)

    def put(self, *episodes: Episode) -> None:
        kept = {each.key: each for each in self.desk.episodes} | {each.key: each for each in episodes}
        self.desk = replace(self.desk, episodes=tuple(kept.values()))

    def run(self, step: timedelta = timedelta(seconds=5), **length: float) -> list[Notification]:
        """Let time pass; what was sent in it."""
        before, until = len(self.sent), self.now + timedelta(**length)
        rules = [InhibitionRule.of(each) for each in self.delivery.inhibit]
        while self.now < until:
            self.now += step
            muted = suppression_check(self.desk.episodes, self.silences, rules, self.now)
            found = plan_notifications(self.desk, build_routes(self.delivery), muted, self.now)
            self.desk = found.desk
            self.sent += [((self.now - EPOCH) / timedelta(minutes=1), each) for each in found.notifications]
        return [sending for _, sending in self.sent[before:]]
