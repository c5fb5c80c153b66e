"""Alive, and ready."""

from starlette.requests import Request
from starlette.responses import Response

from controlsurface.alerting.asked import Rules
from controlsurface.api.encode import json
from controlsurface.reader import Reader


async def alive(_: Request) -> Response:
    """The process answers; asks nothing of the store."""
    return json({"alive": True})


def ready(reader: Reader) -> Response:
    """200 when traffic is taken, else 503 with the reasons. `warnings` keep nobody from being ready."""
    reasons = reader.health()
    warnings = _warnings(reader)
    about = {"ready": not reasons, "reasons": list(reasons), **({"warnings": warnings} if warnings else {})}
    return json(about, 503 if reasons else 200)


def _warnings(reader: Reader) -> list[str]:
    """What is wrong with rule files; nothing where the store cannot say."""
    try:
        found: list[str] = reader.ask(Rules()).facts["warnings"]
    except Exception:  # noqa: BLE001 - whatever ails the store, readiness is told by the reasons
        return []
    return found
