"""E-mail over SMTP: a plain text part, an HTML part, and the sparkline as a picture in it."""

import base64
import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from email.message import EmailMessage

from controlsurface.alerting.messages.alert_text import alert_links, payload_as_text
from controlsurface.alerting.notifiers.egress_policy import EgressPolicy, connection_problem
from controlsurface.alerting.notifiers.notifier_base import NotificationPayload, resolve_secret
from controlsurface.config.alert_delivery import EmailConfig
from controlsurface.errors import Refused, Undelivered
from controlsurface.html_templates import template_beside


class _PolicedSmtp(smtplib.SMTP):
    """An SMTP conversation over a connection that went through the gate.

    smtplib has no public way to take a connection; it opens its own in `_get_socket`, which its SMTP_SSL overrides too.
    """

    def __init__(self, link: socket.socket, host: str, timeout_s: float) -> None:
        self._link = link
        super().__init__(host, 1, timeout=timeout_s)
        self._host = host

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._link


class EmailNotifier:
    """One server and its recipients."""

    def __init__(self, channel: EmailConfig, gate: EgressPolicy) -> None:
        self._channel = channel
        self._password = resolve_secret(channel.password) if channel.password else ""
        self._gate = gate
        self._timeout_s = channel.timeout.total_seconds()

    def send(self, payload: NotificationPayload) -> None:
        """Hand one message over; 5xx is a refusal, all else is tried again."""
        message = compose_email(payload, self._channel.sender, self._channel.to)
        host = self._channel.host
        link = self._gate.connect(host, self._channel.port, self._timeout_s)
        alarm = threading.Timer(self._timeout_s, _cut, (link,))
        alarm.start()
        try:
            self._hand_over(link, message)
        except smtplib.SMTPAuthenticationError:
            raise Refused(f"{host}: the user name or password is wrong") from None
        except smtplib.SMTPResponseException as problem:
            kind = Refused if problem.smtp_code >= 500 else Undelivered
            raise kind(f"{host}: answered {problem.smtp_code}") from None
        except smtplib.SMTPRecipientsRefused as problem:
            codes = {code for code, _ in problem.recipients.values()}
            kind = Refused if min(codes) >= 500 else Undelivered
            raise kind(f"{host}: takes none of the recipients") from None
        except (OSError, smtplib.SMTPException, ssl.SSLError) as problem:
            raise Undelivered(f"{host}: {connection_problem(problem)}") from None
        finally:
            alarm.cancel()
            link.close()

    def _hand_over(self, link: socket.socket, message: EmailMessage) -> None:
        host = self._channel.host
        if self._channel.tls == "implicit":
            link = self._gate.secured(link, host)
        with _PolicedSmtp(link, host, self._timeout_s) as server:
            if self._channel.tls == "starttls":
                server.starttls(context=self._gate.trust)
            if self._channel.username:
                server.login(self._channel.username, self._password)
            server.send_message(message)


def _cut(link: socket.socket) -> None:
    with suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)


def compose_email(payload: NotificationPayload, sender: str, to: tuple[str, ...]) -> EmailMessage:
    """The message; its id is the same in every attempt, so that mail programs show it once."""
    message = EmailMessage()
    message["Subject"] = " ".join(payload["title"].split())
    message["From"], message["To"] = sender, ", ".join(to)
    message["Message-ID"] = f"<{payload['id']}@controlsurface>"
    message["X-Control-Surface-Delivery"] = str(payload["id"])
    message.set_content(payload_as_text(payload))
    message.add_alternative(_html(payload), subtype="html")
    html = message.get_payload()[1]  # type: ignore[index]
    for alert in payload["alerts"]:
        if alert["sparkline"]["png"]:
            image = base64.b64decode(alert["sparkline"]["png"])
            html.add_related(image, "image", "png", cid=f"<{alert['key']}>")  # type: ignore[union-attr]
    return message


def _html(payload: NotificationPayload) -> str:
    alerts = [
        {
            "text": payload_as_text({**payload, "title": "", "alerts": [alert]}).strip(),
            "key": alert["key"],
            "png": alert["sparkline"]["png"],
            "sparkline": alert["sparkline"]["text"],
            "links": list(alert_links(alert)),
        }
        for alert in payload["alerts"]
    ]
    return template_beside(__file__).render(title=payload["title"], alerts=alerts)
