"""Alive, and ready."""

from starlette.requests import Request
from starlette.responses import Response

from controlsurface.api.encode import json
from controlsurface.reader import Reader


async def alive(_: Request) -> Response:
    """The process answers; asks nothing of the store."""
    return json({"alive": True})


def ready(reader: Reader) -> Response:
    """200 when traffic is taken, else 503 with the reasons."""
    reasons = reader.health()
    return json({"ready": not reasons, "reasons": list(reasons)}, 503 if reasons else 200)
