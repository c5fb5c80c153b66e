"""Whether to shadow a request, from a plan alone: no server, no state, nothing but OpenTelemetry's API.

The draw, in any language: SHA-256 over the UTF-8 text "controlsurface.sampling:" + request id; its first 13 hexadecimal
digits as a whole number, divided by 2^52. A request is sampled when that lies below the probability of its stratum.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from json import loads
from typing import Any

from opentelemetry.trace import Span

HASH = "sha256('controlsurface.sampling:' + request_id), first 13 hex digits / 2^52 < probability"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to ask another lane for the same request, the probability of that, and the plan's version."""

    request_id: str
    sample: bool
    probability: float
    draw: float
    stratum: str
    version: int


@dataclass(frozen=True, slots=True)
class Sampler:
    """A plan that decides. `edges` part confidences into bands; a stratum the plan does not know has `otherwise`."""

    version: int
    edges: tuple[float, ...]
    otherwise: float
    probabilities: Mapping[str, float]

    @staticmethod
    def of(plan: Mapping[str, Any] | str) -> "Sampler":
        """The sampler of a plan as the API gives it, or of its JSON text. Raises KeyError where it is none."""
        given = loads(plan) if isinstance(plan, str) else plan
        strata = {stratum(each["task_type"], each["band"]): float(each["probability"]) for each in given["strata"]}
        return Sampler(int(given["version"]), tuple(given["edges"]), float(given["otherwise"]), strata)

    def decide(self, request_id: str, task_type: str | None = None, confidence: float | None = None) -> Decision:
        """The same answer every time, here and from `GET /api/v1/sampling/{request_id}`."""
        name = stratum(task_type, band(confidence, self.edges))
        probability, drawn = self.probabilities.get(name, self.otherwise), draw(request_id)
        return Decision(request_id, drawn < probability, probability, drawn, name, self.version)


def draw(request_id: str) -> float:
    """A number from 0 to below 1 that depends on the id alone.

    >>> draw("req-1")
    0.3498866303656296
    """
    return int(sha256(f"controlsurface.sampling:{request_id}".encode()).hexdigest()[:13], 16) / 2**52


def band(confidence: float | None, edges: tuple[float, ...]) -> int | None:
    """How many edges lie at or below the confidence; None where it is unknown."""
    return None if confidence is None else bisect_right(edges, confidence)


def stratum(task_type: str | None, number: int | None) -> str:
    """The name of a task type's band; an unknown task type and an unknown confidence have names of their own."""
    return f"{task_type or ''}/{'' if number is None else number}"


def mark(span: Span, decision: Decision) -> None:
    """Say on the span of the shadow call what it shadows, and with which probability it was sampled."""
    span.set_attribute("controlsurface.purpose", "shadow")
    span.set_attribute("controlsurface.shadow.of", decision.request_id)
    span.set_attribute("controlsurface.sampling.probability", decision.probability)
