"""A POST of the payload itself, signed.

With a secret the header `X-Control-Surface-Signature` is `t=SECONDS,v1=HEX`: HMAC-SHA256 over `SECONDS.BODY`. A
receiver compares in constant time and refuses old timestamps. `X-Control-Surface-Delivery` names the message; it is
the same in every attempt.
"""

import hashlib
import hmac
import time

import orjson

from controlsurface.alerting.notifiers.egress_policy import EgressPolicy
from controlsurface.alerting.notifiers.http_post import PostEndpoint
from controlsurface.alerting.notifiers.notifier_base import NotificationPayload, resolve_secret, resolve_url
from controlsurface.config.alert_delivery import WebhookConfig

DELIVERY_ID_HEADER = "X-Control-Surface-Delivery"
SIGNATURE_HEADER = "X-Control-Surface-Signature"


class WebhookNotifier:
    """One receiver."""

    def __init__(self, channel: WebhookConfig, gate: EgressPolicy) -> None:
        self._endpoint = PostEndpoint(resolve_url(channel.url), gate, channel.timeout.total_seconds())
        self._secret = resolve_secret(channel.secret).encode() if channel.secret else b""

    def send(self, payload: NotificationPayload) -> None:
        """POST it; any 2xx is a yes."""
        body = orjson.dumps(dict(payload))
        headers = {DELIVERY_ID_HEADER: str(payload["id"])}
        if self._secret:
            headers[SIGNATURE_HEADER] = webhook_signature(self._secret, body, int(time.time()))
        self._endpoint.post_json(body, headers)


def webhook_signature(key: bytes, body: bytes, seconds: int) -> str:
    """The signature of a body at a Unix time."""
    signed = hmac.new(key, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={signed}"
