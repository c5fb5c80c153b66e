"""A POST of the payload itself, signed.

With a secret the header `X-Control-Surface-Signature` is `t=SECONDS,v1=HEX`: HMAC-SHA256 over `SECONDS.BODY`. A
receiver compares in constant time and refuses old timestamps. `X-Control-Surface-Delivery` names the message; it is
the same in every attempt.
"""

import hashlib
import hmac
import time

import orjson

from controlsurface.alerting.notifiers.notifier import Payload
from controlsurface.alerting.notifiers.post import Gate, post
from controlsurface.alerting.notifiers.secrets import address, secret
from controlsurface.channels import Webhook

DELIVERY = "X-Control-Surface-Delivery"
SIGNATURE = "X-Control-Surface-Signature"


class ToWebhook:
    """One receiver."""

    def __init__(self, channel: Webhook, gate: Gate) -> None:
        self._url = address(channel.url)
        self._secret = secret(channel.secret).encode() if channel.secret else b""
        self._gate = gate
        self._timeout_s = channel.timeout.total_seconds()

    def send(self, payload: Payload) -> None:
        """POST it; any 2xx is a yes."""
        body = orjson.dumps(dict(payload))
        headers = {"Content-Type": "application/json", DELIVERY: str(payload["id"])}
        if self._secret:
            headers[SIGNATURE] = signature(self._secret, body, int(time.time()))
        post(self._url, body, headers, self._gate, self._timeout_s)


def signature(key: bytes, body: bytes, seconds: int) -> str:
    """The signature of a body at a Unix time."""
    signed = hmac.new(key, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={signed}"
