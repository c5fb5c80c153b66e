"""Alive, and ready."""

from starlette.requests import Request
from starlette.responses import Response

from controlsurface.alerting.alert_queries import AlertRulesQuery
from controlsurface.api.response_encoding import json_response
from controlsurface.client import Client


async def health_response(_: Request) -> Response:
    """The process answers; asks nothing of the store."""
    return json_response({"alive": True})


def readiness_response(reader: Client) -> Response:
    """200 when traffic is taken, else 503 with the reasons. `warnings` keep nobody from being ready."""
    reasons = reader.health()
    warnings = _warnings(reader)
    about = {"ready": not reasons, "reasons": list(reasons), **({"warnings": warnings} if warnings else {})}
    return json_response(about, 503 if reasons else 200)


def _warnings(reader: Client) -> list[str]:
    """What is wrong with rule files; nothing where the store cannot say."""
    try:
        found: list[str] = reader.run(AlertRulesQuery()).facts["warnings"]
    except Exception:  # noqa: BLE001 - whatever ails the store, readiness is told by the reasons
        return []
    return found
