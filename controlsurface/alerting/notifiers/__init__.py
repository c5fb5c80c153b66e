"""The channels that messages go through, by their kind in the configuration."""

from collections.abc import Callable
from datetime import datetime

from controlsurface.alerting.notifiers.alertmanager import AlertmanagerNotifier
from controlsurface.alerting.notifiers.apprise_services import AppriseNotifier
from controlsurface.alerting.notifiers.egress_policy import EgressPolicy
from controlsurface.alerting.notifiers.email import EmailNotifier
from controlsurface.alerting.notifiers.log_line import LogNotifier
from controlsurface.alerting.notifiers.notifier_base import AlertNotifier
from controlsurface.alerting.notifiers.pagerduty import PagerDutyNotifier
from controlsurface.alerting.notifiers.slack import SlackNotifier
from controlsurface.alerting.notifiers.webhook import WebhookNotifier
from controlsurface.clock import wall_time
from controlsurface.config import alert_delivery


def create_notifier(  # noqa: PLR0911 -- one for each kind
    channel: alert_delivery.AnyNotifierConfig, gate: EgressPolicy, now: Callable[[], datetime] = wall_time
) -> AlertNotifier:
    """The notifier of a configured channel. Raises ConfigError where a secret, a file or a package is missing."""
    if not isinstance(channel, alert_delivery.AppriseConfig | alert_delivery.LogConfig):
        gate = gate.trusting(channel.ca_file)
    match channel:
        case alert_delivery.SlackConfig():
            return SlackNotifier(channel, gate)
        case alert_delivery.PagerDutyConfig():
            return PagerDutyNotifier(channel, gate)
        case alert_delivery.EmailConfig():
            return EmailNotifier(channel, gate)
        case alert_delivery.AlertmanagerConfig():
            return AlertmanagerNotifier(channel, gate, now)
        case alert_delivery.AppriseConfig():
            return AppriseNotifier(channel)
        case alert_delivery.LogConfig():
            return LogNotifier()
        case _:
            return WebhookNotifier(channel, gate)
