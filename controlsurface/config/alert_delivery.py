"""Who is told about alerts, and when: the notifiers, routes, inhibitions and mute times of the configuration file."""

import re
from collections.abc import Iterable
from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from controlsurface.config.label_matchers import parse_matcher
from controlsurface.config.section import Address, ConfigSection, Duration
from controlsurface.errors import did_you_mean

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = re.compile(r"(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))")


def _reference(text: str) -> str:
    """Secrets are named, never written: the file may be shown and shared."""
    if text and not re.fullmatch(r"(env|file):.+", text):
        raise ValueError("a secret is never written here; say env:NAME or file:/path")
    return text


def _place(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError):
        raise ValueError(f"no time zone named '{text}'; write one like Europe/Berlin or UTC") from None
    return text


def minutes_of_day(text: str) -> int:
    """Minutes since midnight of `09:30`; `24:00` is the end of the day."""
    found = _CLOCK.fullmatch(text)
    if not found:
        raise ValueError(f"'{text}' is no time of day; write 09:30, or 24:00 for midnight at the end")
    return int(found[1] or found[3]) * 60 + int(found[2] or found[4])


def _times(text: str) -> str:
    start, dash, end = text.partition("-")
    if not dash or minutes_of_day(start) >= minutes_of_day(end):
        raise ValueError(f"'{text}' is no stretch of a day; write 09:00-17:30")
    return text


def _weekdays(text: str) -> str:
    days = text.split(":")
    if len(days) > 2 or any(day not in WEEKDAYS for day in days) or WEEKDAYS.index(days[0]) > WEEKDAYS.index(days[-1]):
        raise ValueError(f"'{text}' is no day of the week; write saturday or monday:friday")
    return text


def parse_range(text: str, low: int, high: int) -> tuple[int, int]:
    """`3` and `1:5` as a closed range. Raises ValueError outside low..high."""
    try:
        found = (int(text.partition(":")[0]), int(text.rpartition(":")[2]))
    except ValueError:
        raise ValueError(f"'{text}' is no number or range; write 3 or 1:5") from None
    if not low <= found[0] <= found[1] <= high:
        raise ValueError(f"'{text}' is not within {low}..{high}")
    return found


def _days(text: str) -> str:
    if 0 in parse_range(text, -31, 31):
        raise ValueError(f"'{text}': days of a month are 1..31, or -1 for the last")
    return text


def _months(text: str) -> str:
    parse_range(text, 1, 12)
    return text


SecretReference = Annotated[str, AfterValidator(_reference)]
NotifierName = Annotated[str, Field(min_length=1)]
HookAddress = Annotated[Address, Field(min_length=1)]
MatcherText = Annotated[str, AfterValidator(lambda text: str(parse_matcher(text)))]


class NotifierConfig(ConfigSection):
    """What all notifiers have."""

    send_resolved: bool = Field(True, description="say also when an alert is over")
    timeout: Duration = Field(timedelta(seconds=10), gt=timedelta(0), description="of one attempt, from name to answer")
    per_minute: int = Field(60, gt=0, description="messages a minute at most; more wait")


class ConnectedNotifierConfig(NotifierConfig):
    """A notifier whose connections are ours."""

    ca_file: str = Field("", description="PEM file of authorities to trust besides the system's")


class WebhookConfig(ConnectedNotifierConfig):
    """POST of the alert as JSON."""

    kind: Literal["webhook"]
    url: HookAddress = Field(description="http(s) address, or env:NAME or file:/path that holds it")
    secret: SecretReference = Field(
        "", description="env:NAME or file:/path of the key that signs each body (HMAC-SHA256)"
    )


class SlackConfig(ConnectedNotifierConfig):
    """A Slack incoming webhook, or anything that takes its messages."""

    kind: Literal["slack"]
    url: SecretReference = Field(min_length=1, description="env:NAME or file:/path of the webhook's address")


class PagerDutyConfig(ConnectedNotifierConfig):
    """PagerDuty Events API v2."""

    kind: Literal["pagerduty"]
    routing_key: SecretReference = Field(min_length=1, description="env:NAME or file:/path of the integration key")
    url: HookAddress = Field("https://events.pagerduty.com/v2/enqueue", description="address of the Events API v2")


class EmailConfig(ConnectedNotifierConfig):
    """A message over SMTP."""

    kind: Literal["email"]
    host: NotifierName = Field(description="SMTP server")
    port: int = Field(587, gt=0, lt=65536, description="its port")
    tls: Literal["starttls", "implicit", "none"] = Field("starttls", description="how the connection is encrypted")
    username: str = Field("", description="to sign in with; empty: without")
    password: SecretReference = Field("", description="env:NAME or file:/path of the password")
    sender: NotifierName = Field(description="From address")
    to: tuple[NotifierName, ...] = Field(min_length=1, description="recipients")


class AlertmanagerConfig(ConnectedNotifierConfig):
    """Prometheus Alertmanager, API v2; it groups and repeats by itself."""

    kind: Literal["alertmanager"]
    url: HookAddress = Field(description="address without /api/v2")
    resend: Duration = Field(
        timedelta(minutes=1), gt=timedelta(0), description="how often firing alerts are sent again"
    )


class AppriseConfig(NotifierConfig):
    """Any service of the `apprise` package (pip install controlsurface[apprise])."""

    kind: Literal["apprise"]
    urls: SecretReference = Field(min_length=1, description="env:NAME or file:/path of apprise addresses, one a line")


class LogConfig(NotifierConfig):
    """The server's own log, a line a message: to try routes and templates before anybody is woken."""

    kind: Literal["log"]


AnyNotifierConfig = Annotated[
    WebhookConfig | SlackConfig | PagerDutyConfig | EmailConfig | AlertmanagerConfig | AppriseConfig | LogConfig,
    Field(discriminator="kind"),
]


class RouteConfig(ConfigSection):
    """Which alerts go to whom; an alert takes the first route that matches, and the next ones while `further`."""

    matchers: tuple[MatcherText, ...] = Field(
        (), description='all must match, such as severity="page" or lane=~"large|xl"'
    )
    notifiers: tuple[str, ...] = Field((), description="names of delivery.notifiers; none: nobody is told")
    group_by: tuple[str, ...] = Field(("alertname", "lane"), description="labels whose values make one message")
    group_wait: Duration = Field(timedelta(seconds=30), description="wait for others before a group's first message")
    group_interval: Duration = Field(timedelta(minutes=5), description="between messages about a changed group")
    repeat_interval: Duration = Field(timedelta(hours=4), description="between messages about an unchanged group")
    mute: tuple[str, ...] = Field((), description="names of delivery.mute_times in which nothing is sent")
    further: bool = Field(False, description="look at the next routes too")


class InhibitConfig(ConfigSection):
    """While a source fires, targets with equal labels are not sent."""

    source: tuple[MatcherText, ...] = Field(min_length=1, description="matchers of the alert that explains")
    target: tuple[MatcherText, ...] = Field(min_length=1, description="matchers of the alerts that are held back")
    equal: tuple[str, ...] = Field((), description="labels that must have the same value in both")


class MuteTimeConfig(ConfigSection):
    """A stretch of time: all given conditions hold; of one condition any of its values."""

    times: tuple[Annotated[str, AfterValidator(_times)], ...] = Field((), description='such as "18:00-24:00"')
    weekdays: tuple[Annotated[str, AfterValidator(_weekdays)], ...] = Field((), description='such as "saturday:sunday"')
    days_of_month: tuple[Annotated[str, AfterValidator(_days)], ...] = Field((), description='such as "1:5" or "-1"')
    months: tuple[Annotated[str, AfterValidator(_months)], ...] = Field((), description='such as "12" or "6:8"')
    location: Annotated[str, AfterValidator(_place)] = Field("UTC", description="time zone of all of these")


class DeliveryConfig(ConfigSection):
    """Where alerts go. Without routes every notifier gets every alert."""

    dashboard: Address = Field("http://127.0.0.1:8501", description="address of the dashboard, for links in messages")
    allow_networks: tuple[Annotated[str, AfterValidator(lambda text: str(ip_network(text)))], ...] = Field(
        (), description='private networks that may be sent to, such as "10.1.0.0/16"; public ones always may'
    )
    give_up: Duration = Field(timedelta(hours=24), description="how long a message that fails is tried again")
    longest_wait: Annotated[Duration, Field(ge=timedelta(minutes=5), le=timedelta(days=1))] = Field(
        timedelta(hours=1), description="longest wait between two attempts, whatever a receiver's Retry-After asks for"
    )
    notifiers: dict[str, AnyNotifierConfig] = Field(default_factory=dict, description="by a name of your choice")
    routes: tuple[RouteConfig, ...] = Field((), description="in order")
    inhibit: tuple[InhibitConfig, ...] = Field((), description="which alerts hold back which")
    mute_times: dict[str, MuteTimeConfig] = Field(default_factory=dict, description="by a name of your choice")

    @model_validator(mode="after")
    def _known(self) -> Self:
        """Refuse a route that names what is not there."""
        for i, route in enumerate(self.routes):
            _named(f"routes[{i}].notifiers", route.notifiers, self.notifiers)
            _named(f"routes[{i}].mute", route.mute, self.mute_times)
        return self


def _named(place: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a name that nothing has."""
    for name in names:
        if name not in known:
            raise ValueError(f"{place}: nothing is named '{name}'{did_you_mean(name, known)}")
