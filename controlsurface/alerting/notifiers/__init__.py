"""The channels that messages go through, by their kind in the configuration."""

from collections.abc import Callable
from datetime import datetime

from controlsurface.alerting.notifiers.alertmanager import ToAlertmanager
from controlsurface.alerting.notifiers.email import ToEmail
from controlsurface.alerting.notifiers.notifier import Notifier
from controlsurface.alerting.notifiers.pagerduty import ToPagerDuty
from controlsurface.alerting.notifiers.post import Gate
from controlsurface.alerting.notifiers.services import ToServices
from controlsurface.alerting.notifiers.slack import ToSlack
from controlsurface.alerting.notifiers.webhook import ToWebhook
from controlsurface.channels import Alertmanager, Apprise, Channel, Email, PagerDuty, Slack
from controlsurface.clock import wall

__all__ = ["Gate", "Notifier", "made"]


def made(channel: Channel, gate: Gate, now: Callable[[], datetime] = wall) -> Notifier:
    """The notifier of a configured channel. Raises ConfigError where a secret, a file or a package is missing."""
    if not isinstance(channel, Apprise):
        gate = gate.trusting(channel.ca_file)
    match channel:
        case Slack():
            return ToSlack(channel, gate)
        case PagerDuty():
            return ToPagerDuty(channel, gate)
        case Email():
            return ToEmail(channel, gate)
        case Alertmanager():
            return ToAlertmanager(channel, gate, now)
        case Apprise():
            return ToServices(channel)
        case _:
            return ToWebhook(channel, gate)
