"""A POST of the payload itself, signed.

With a secret the header `X-Control-Surface-Signature` is `t=SECONDS,v1=HEX`: HMAC-SHA256 over `SECONDS.BODY`. A
receiver compares in constant time and refuses old timestamps. `X-Control-Surface-Delivery` names the message; it is
the same in every attempt.
"""

import hashlib
import hmac
import time

import orjson

from controlsurface.alerting.notifiers.http_post import EgressPolicy, post_with_deadline
from controlsurface.alerting.notifiers.notifier_base import NotificationPayload, resolve_secret, resolve_url
from controlsurface.config.alert_delivery import WebhookConfig

DELIVERY_ID_HEADER = "X-Control-Surface-Delivery"
SIGNATURE_HEADER = "X-Control-Surface-Signature"


class WebhookNotifier:
    """One receiver."""

    def __init__(self, channel: WebhookConfig, gate: EgressPolicy) -> None:
        self._url = resolve_url(channel.url)
        self._secret = resolve_secret(channel.secret).encode() if channel.secret else b""
        self._gate = gate
        self._timeout_s = channel.timeout.total_seconds()

    def send(self, payload: NotificationPayload) -> None:
        """POST it; any 2xx is a yes."""
        body = orjson.dumps(dict(payload))
        headers = {"Content-Type": "application/json", DELIVERY_ID_HEADER: str(payload["id"])}
        if self._secret:
            headers[SIGNATURE_HEADER] = webhook_signature(self._secret, body, int(time.time()))
        post_with_deadline(self._url, body, headers, self._gate, self._timeout_s)


def webhook_signature(key: bytes, body: bytes, seconds: int) -> str:
    """The signature of a body at a Unix time."""
    signed = hmac.new(key, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={signed}"
