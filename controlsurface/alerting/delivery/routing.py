"""Which alerts go to whom, and which labels make one message."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from controlsurface.alerting.rules.rule_doubts import NOTIFIER_LABEL
from controlsurface.config.alert_delivery import AlertmanagerConfig as AlertmanagerSection
from controlsurface.config.alert_delivery import AnyNotifierConfig, DeliveryConfig, MuteTimeConfig
from controlsurface.config.alert_delivery import RouteConfig as RouteSection
from controlsurface.config.label_matchers import LabelMatcher, Labels, all_match, parse_matcher

NO_WAIT = timedelta(0)


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """A notifier as a route uses it. `forwards`: it groups by itself and wants every change at once."""

    name: str
    repeat: timedelta
    wants_resolved: bool = True
    forwards: bool = False


@dataclass(frozen=True, slots=True)
class NotificationRoute:
    """Alerts that match go to the targets, in groups of equal `group_by` labels."""

    name: str
    matchers: tuple[LabelMatcher, ...]
    targets: tuple[RouteTarget, ...]
    group_by: tuple[str, ...]
    wait: timedelta
    interval: timedelta
    mutes: tuple[MuteTimeConfig, ...] = ()
    further: bool = False


def build_routes(delivery: DeliveryConfig) -> list[NotificationRoute]:
    """The configured routes; those to receivers that group by themselves are parted from the others.

    Before them, for each notifier, a route of alerts whose label `notifier` names it.
    """
    named = tuple(
        RouteSection(matchers=(f'{NOTIFIER_LABEL}="{name}"',), notifiers=(name,)) for name in delivery.notifiers
    )
    sections = (*named, *(delivery.routes or (RouteSection(notifiers=tuple(delivery.notifiers)),)))
    return [route for section in sections for route in _split_forwarding_routes(section, delivery)]


def _split_forwarding_routes(section: RouteSection, delivery: DeliveryConfig) -> Iterator[NotificationRoute]:
    """One section as a route for people and one for other alert managers."""
    matchers = tuple(map(parse_matcher, section.matchers))
    mutes = tuple(delivery.mute_times[name] for name in section.mute)
    name = "{" + ",".join(map(str, matchers)) + "}"
    targets = [_route_target(each, delivery.notifiers[each], section) for each in dict.fromkeys(section.notifiers)]
    forwarding = tuple(each for each in targets if each.forwards)
    telling = tuple(each for each in targets if not each.forwards)
    if forwarding:
        further = section.further or bool(telling)
        yield NotificationRoute(f"{name}>", matchers, forwarding, (), NO_WAIT, NO_WAIT, mutes, further)
    if telling or not forwarding:
        group = (section.group_by, section.group_wait, section.group_interval)
        yield NotificationRoute(name, matchers, telling, *group, mutes, section.further)


def _route_target(name: str, channel: AnyNotifierConfig, section: RouteSection) -> RouteTarget:
    if isinstance(channel, AlertmanagerSection):
        return RouteTarget(name, channel.resend, channel.send_resolved, forwards=True)
    return RouteTarget(name, section.repeat_interval, channel.send_resolved)


def route_keys(
    labels: Labels, among: Sequence[NotificationRoute]
) -> Iterator[tuple[NotificationRoute, str, Mapping[str, str]]]:
    """Every route an alert takes, with the key and the labels of its group there."""
    for route in among:
        if all_match(route.matchers, labels):
            shared = {name: labels.get(name, "") for name in route.group_by}
            key = f"{route.name}:{{{','.join(f'{name}={value!r}' for name, value in sorted(shared.items()))}}}"
            yield route, key, {name: value for name, value in shared.items() if value}
            if not route.further:
                return
