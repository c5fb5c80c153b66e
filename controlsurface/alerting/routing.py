"""Which alerts go to whom, and which labels make one message."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from controlsurface.channels import Alertmanager as AlertmanagerSection
from controlsurface.channels import Delivery, MuteTime
from controlsurface.channels import Route as RouteSection
from controlsurface.matchers import Labels, Matcher, all_match, parse

AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Target:
    """A notifier as a route uses it. `forwards`: it groups by itself and wants every change at once."""

    name: str
    repeat: timedelta
    wants_resolved: bool = True
    forwards: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """Alerts that match go to the targets, in groups of equal `group_by` labels."""

    name: str
    matchers: tuple[Matcher, ...]
    targets: tuple[Target, ...]
    group_by: tuple[str, ...]
    wait: timedelta
    interval: timedelta
    mutes: tuple[MuteTime, ...] = ()
    further: bool = False


def routes(delivery: Delivery) -> list[Route]:
    """The configured routes; those to receivers that group by themselves are parted from the others."""
    sections = delivery.routes or (RouteSection(notifiers=tuple(delivery.notifiers)),)
    return [route for section in sections for route in _parted(section, delivery)]


def _parted(section: RouteSection, delivery: Delivery) -> Iterator[Route]:
    """One section as a route for people and one for other alert managers."""
    matchers = tuple(map(parse, section.matchers))
    mutes = tuple(delivery.mute_times[name] for name in section.mute)
    channels = {name: delivery.notifiers[name] for name in section.notifiers}
    name = "{" + ",".join(map(str, matchers)) + "}"
    forwarding = tuple(
        Target(name, channel.resend, channel.send_resolved, forwards=True)
        for name, channel in channels.items()
        if isinstance(channel, AlertmanagerSection)
    )
    telling = tuple(
        Target(name, section.repeat_interval, channel.send_resolved)
        for name, channel in channels.items()
        if not isinstance(channel, AlertmanagerSection)
    )
    if forwarding:
        further = section.further or bool(telling)
        yield Route(f"{name}>", matchers, forwarding, (), AT_ONCE, AT_ONCE, mutes, further)
    if telling or not forwarding:
        group = (section.group_by, section.group_wait, section.group_interval)
        yield Route(name, matchers, telling, *group, mutes, section.further)


def route_keys(labels: Labels, among: Sequence[Route]) -> Iterator[tuple[Route, str, Mapping[str, str]]]:
    """Every route an alert takes, with the key and the labels of its group there."""
    for route in among:
        if all_match(route.matchers, labels):
            shared = {name: labels.get(name, "") for name in route.group_by}
            key = f"{route.name}:{{{','.join(f'{name}={value!r}' for name, value in sorted(shared.items()))}}}"
            yield route, key, {name: value for name, value in shared.items() if value}
            if not route.further:
                return
