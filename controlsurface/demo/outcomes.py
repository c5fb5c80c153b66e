"""What becomes of each request: vectorised, without chance of its own."""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controlsurface.arrays import Flags, Floats, Ints
from controlsurface.demo import world
from controlsurface.demo.draws import Draws, Question, Scatter
from controlsurface.demo.settings import DemoSettings

DAY_NS = 86_400 * 10**9
INCIDENT = timedelta(hours=28)  # until someone rolls the version back
CANARY = timedelta(days=1)
LONGEST_CALL_MS = 90_000.0  # the client gives up
DRIFT_PER_DAY = 1.01
SHADOW_SMALL, SHADOW_SMALL_RISKY, SHADOW_LARGE = 0.04, 0.08, 0.02  # probabilities of a second answer for comparison

THRESHOLD = np.array([task.threshold for task in world.TASKS])
INPUT = np.array([task.input_tokens for task in world.TASKS])
OUTPUT = np.array([task.output_tokens for task in world.TASKS])
CACHED = np.array([task.cached for task in world.TASKS])
BATCH = np.array([task.batch for task in world.TASKS])
GATED = np.array([bool(task.gate) for task in world.TASKS])
RISKY = np.array([task.ease < 0.8 for task in world.TASKS])
JUDGED = np.array([task.gate == "grounding" for task in world.TASKS])
CONTRACTS = [task.name for task in world.TASKS].index("contract_review")
STRICT = world.TENANTS.index(world.POLICY_TENANT)
HIT_TASK = [task.name for task in world.TASKS].index(world.INCIDENT_TASK)
HIT_TENANTS = [world.TENANTS.index(name) for name in world.INCIDENT_TENANTS]


class Row(NamedTuple):
    """One request, decided. `reason` is empty when the router chose the small lane."""

    at_ns: int
    task: int
    tenant: int
    user: int
    staging: bool
    batch: bool
    new_version: bool
    cached: bool
    semantic: bool
    confidence: float
    threshold: float
    reason: str
    classified: bool
    small_fails: bool
    small_retried: bool
    small_retry_fails: bool
    error_kind: float
    small_gate: bool
    large_gate: bool
    judged: bool
    large_fails: bool
    large_retry_fails: bool
    shadow_draw: float
    shadow_small: float
    label: float
    agrees: bool
    input_tokens: int
    prompt_cached: int
    output_tokens: int
    large_output_tokens: int
    routing_ms: float
    small_speed: float
    large_speed: float
    ids: list[int]


def decide(draws: Draws, settings: DemoSettings, from_ns: int = 0) -> Iterator[Row]:
    """The requests of a block under a scenario, in order of arrival; those surely over before `from_ns` left out."""
    new = _new_version(draws, settings)
    confidence, threshold = _confidence(draws, settings, new)
    input_tokens = _rounded(INPUT[draws.task] * np.exp(0.55 * draws.z[:, Scatter.INPUT]), 20)
    length = OUTPUT[draws.task] * _growth(draws, settings)
    output_tokens = _rounded(length * np.exp(0.45 * draws.z[:, Scatter.OUTPUT]), 2)
    large_output_tokens = _rounded(1.3 * length * np.exp(0.45 * draws.z[:, Scatter.LARGE_OUTPUT]), 2)
    cached = _ask(draws, Question.CACHED, CACHED[draws.task])
    correct = _ask(draws, Question.CORRECT, draws.ease)
    speed = np.where(new & (settings.scenario == "upgrade"), 0.6, 1.0)
    columns = (
        draws.at_ns,
        draws.task,
        draws.tenant,
        (draws.u[:, Question.USER] * world.USERS_PER_TENANT).astype(np.int64),
        _ask(draws, Question.STAGING, 0.07),
        _ask(draws, Question.BATCH, BATCH[draws.task]),
        new,
        cached,
        _ask(draws, Question.SEMANTIC, 0.4),
        confidence.round(4),
        threshold.round(4),
        _reason(draws, confidence < threshold, input_tokens),
        _ask(draws, Question.CLASSIFIED, 0.3) & ~cached,
        _ask(draws, Question.SMALL_FAILS, 0.012),
        _ask(draws, Question.SMALL_RETRIED, 0.5),
        _ask(draws, Question.SMALL_RETRY_FAILS, 0.25),
        draws.u[:, Question.ERROR_KIND],
        ~GATED[draws.task] | _ask(draws, Question.SMALL_GATE, np.where(correct, 0.99, 0.55)),
        ~GATED[draws.task] | _ask(draws, Question.LARGE_GATE, 0.98),
        JUDGED[draws.task] & _ask(draws, Question.JUDGED, 0.3),
        _ask(draws, Question.LARGE_FAILS, 0.01),
        _ask(draws, Question.LARGE_RETRY_FAILS, 0.2),
        draws.u[:, Question.SHADOWED],
        np.where(RISKY[draws.task], SHADOW_SMALL_RISKY, SHADOW_SMALL),
        draws.u[:, Question.LABEL],
        _ask(draws, Question.AGREES, np.where(correct, 0.97, 0.15)),
        input_tokens,
        _prompt_cached(draws, input_tokens),
        output_tokens,
        large_output_tokens,
        speed * 4 * np.exp(0.4 * draws.z[:, Scatter.ROUTING]),
        np.exp(0.25 * draws.z[:, Scatter.SMALL_SPEED]),
        np.exp(0.3 * draws.z[:, Scatter.LARGE_SPEED]),
        draws.ids,
    )
    late = _over_by(draws, output_tokens, large_output_tokens) >= from_ns
    return map(Row._make, zip(*(column[late].tolist() for column in columns), strict=True))


def _over_by(draws: Draws, output_tokens: Ints, large_output_tokens: Ints) -> Ints:
    """A time by which each request is surely over, its shadow included: every call twice, at the slowest."""
    slowest_ms = 60 * np.exp(0.3 * np.abs(draws.z).max(axis=1, initial=0)) * (output_tokens + large_output_tokens + 500)
    margin_ns: Ints = (2 * slowest_ms * 1e6).astype(np.int64) + 30 * 10**9
    return draws.at_ns + margin_ns


def _ask(draws: Draws, question: Question, chance: Floats | float) -> Flags:
    return draws.u[:, question] < chance


def _since_event(draws: Draws, settings: DemoSettings) -> Ints:
    return draws.at_ns - int(settings.event_at.timestamp() * 10**9)


def _new_version(draws: Draws, settings: DemoSettings) -> Flags:
    """Which requests meet the next router version: until it is rolled back, or from a canary on."""
    since = _since_event(draws, settings)
    if settings.scenario == "incident":
        return (since >= 0) & (since < _ns(INCIDENT))
    share = np.where(since >= 0, 1.0, np.where(since >= -_ns(CANARY), 0.1, 0.0))
    return _ask(draws, Question.NEW_VERSION, share) & (settings.scenario == "upgrade")


def _confidence(draws: Draws, settings: DemoSettings, new: Flags) -> tuple[Floats, Floats]:
    """How sure the router is, and the threshold: less noisy after an upgrade, needlessly unsure in the incident."""
    better = new & (settings.scenario == "upgrade")
    odds = np.log(draws.ease / (1 - draws.ease + 1e-9) + 1e-9)
    noise = np.where(better, 0.3, 0.7) * draws.z[:, Scatter.CONFIDENCE]
    confidence = 1 / (1 + np.exp(-(odds + noise)))
    hit = new & (settings.scenario == "incident") & (draws.task == HIT_TASK) & np.isin(draws.tenant, HIT_TENANTS)
    return np.where(hit, confidence * 0.65, confidence), THRESHOLD[draws.task] - np.where(better, 0.05, 0.0)


def _reason(draws: Draws, unsure: Flags, input_tokens: Ints) -> npt.NDArray[np.str_]:
    """Why the request goes straight to the large lane; empty where it does not."""
    strict = (draws.task == CONTRACTS) & (draws.tenant == STRICT)
    cases = [strict, input_tokens > world.SMALL_WINDOW, unsure]
    return np.select(cases, ["policy", "context_length", "low_confidence"], default="")


def _prompt_cached(draws: Draws, input_tokens: Ints) -> Ints:
    """Input tokens that the provider had in its prompt cache: whole blocks of 128 of long prompts."""
    share = np.where(_ask(draws, Question.PROMPT_CACHED, 0.45) & (input_tokens > 1024), 0.6, 0.0)
    return (input_tokens * share).astype(np.int64) // 128 * 128


def _growth(draws: Draws, settings: DemoSettings) -> Floats:
    """How much longer answers have become since the drift began."""
    days = np.maximum(_since_event(draws, settings), 0) / DAY_NS
    return np.power(DRIFT_PER_DAY, days) if settings.scenario == "drift" else np.ones(len(days))


def _rounded(values: Floats, least: int) -> Ints:
    return np.maximum(values.round().astype(np.int64), least)


def _ns(span: timedelta) -> int:
    return int(span.total_seconds()) * 10**9
