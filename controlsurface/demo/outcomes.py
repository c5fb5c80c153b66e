"""What becomes of each request: vectorised, without chance of its own."""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controlsurface.arrays import Flags, Floats, Ints
from controlsurface.demo import demo_company
from controlsurface.demo.demo_company import DemoSettings
from controlsurface.demo.random_draws import NormalColumn, RandomDraws, UniformColumn

DAY_NS = 86_400 * 10**9
INCIDENT_LENGTH = timedelta(hours=28)  # until someone rolls the version back
CANARY_LENGTH = timedelta(days=1)
MAX_CALL_MS = 90_000.0  # the client gives up
DAILY_DRIFT_FACTOR = 1.01
SHADOW_SMALL, SHADOW_SMALL_RISKY, SHADOW_LARGE = 0.04, 0.08, 0.02  # probabilities of a second answer for comparison

TASK_THRESHOLDS = np.array([task.threshold for task in demo_company.TASKS])
TASK_INPUT_TOKENS = np.array([task.input_tokens for task in demo_company.TASKS])
TASK_OUTPUT_TOKENS = np.array([task.output_tokens for task in demo_company.TASKS])
TASK_CACHED_SHARES = np.array([task.cached for task in demo_company.TASKS])
TASK_BATCH_SHARES = np.array([task.batch for task in demo_company.TASKS])
TASK_HAS_GATE = np.array([bool(task.gate) for task in demo_company.TASKS])
TASK_IS_RISKY = np.array([task.ease < 0.8 for task in demo_company.TASKS])
TASK_IS_JUDGED = np.array([task.gate == "grounding" for task in demo_company.TASKS])
CONTRACT_TASK_INDEX = [task.name for task in demo_company.TASKS].index("contract_review")
POLICY_TENANT_INDEX = demo_company.TENANTS.index(demo_company.POLICY_TENANT)
INCIDENT_TASK_INDEX = [task.name for task in demo_company.TASKS].index(demo_company.INCIDENT_TASK)
INCIDENT_TENANT_INDEXES = [demo_company.TENANTS.index(name) for name in demo_company.INCIDENT_TENANTS]


class DecidedRequest(NamedTuple):
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


def decide_requests(draws: RandomDraws, settings: DemoSettings, from_ns: int = 0) -> Iterator[DecidedRequest]:
    """The requests of a block under a scenario, in order of arrival; those surely over before `from_ns` left out."""
    new = _new_version(draws, settings)
    confidence, threshold = _confidence(draws, settings, new)
    input_tokens = _rounded(TASK_INPUT_TOKENS[draws.task] * np.exp(0.55 * draws.z[:, NormalColumn.INPUT]), 20)
    length = TASK_OUTPUT_TOKENS[draws.task] * _growth(draws, settings)
    output_tokens = _rounded(length * np.exp(0.45 * draws.z[:, NormalColumn.OUTPUT]), 2)
    large_output_tokens = _rounded(1.3 * length * np.exp(0.45 * draws.z[:, NormalColumn.LARGE_OUTPUT]), 2)
    cached = _ask(draws, UniformColumn.CACHED, TASK_CACHED_SHARES[draws.task])
    correct = _ask(draws, UniformColumn.CORRECT, draws.ease)
    speed = np.where(new & (settings.scenario == "upgrade"), 0.6, 1.0)
    columns = (
        draws.at_ns,
        draws.task,
        draws.tenant,
        (draws.u[:, UniformColumn.USER] * demo_company.USERS_PER_TENANT).astype(np.int64),
        _ask(draws, UniformColumn.STAGING, 0.07),
        _ask(draws, UniformColumn.BATCH, TASK_BATCH_SHARES[draws.task]),
        new,
        cached,
        _ask(draws, UniformColumn.SEMANTIC, 0.4),
        confidence.round(4),
        threshold.round(4),
        _reason(draws, confidence < threshold, input_tokens),
        _ask(draws, UniformColumn.CLASSIFIED, 0.3) & ~cached,
        _ask(draws, UniformColumn.SMALL_FAILS, 0.012),
        _ask(draws, UniformColumn.SMALL_RETRIED, 0.5),
        _ask(draws, UniformColumn.SMALL_RETRY_FAILS, 0.25),
        draws.u[:, UniformColumn.ERROR_KIND],
        ~TASK_HAS_GATE[draws.task] | _ask(draws, UniformColumn.SMALL_GATE, np.where(correct, 0.99, 0.55)),
        ~TASK_HAS_GATE[draws.task] | _ask(draws, UniformColumn.LARGE_GATE, 0.98),
        TASK_IS_JUDGED[draws.task] & _ask(draws, UniformColumn.JUDGED, 0.3),
        _ask(draws, UniformColumn.LARGE_FAILS, 0.01),
        _ask(draws, UniformColumn.LARGE_RETRY_FAILS, 0.2),
        draws.u[:, UniformColumn.SHADOWED],
        np.where(TASK_IS_RISKY[draws.task], SHADOW_SMALL_RISKY, SHADOW_SMALL),
        draws.u[:, UniformColumn.LABEL],
        _ask(draws, UniformColumn.AGREES, np.where(correct, 0.97, 0.15)),
        input_tokens,
        _prompt_cached(draws, input_tokens),
        output_tokens,
        large_output_tokens,
        speed * 4 * np.exp(0.4 * draws.z[:, NormalColumn.ROUTING]),
        np.exp(0.25 * draws.z[:, NormalColumn.SMALL_SPEED]),
        np.exp(0.3 * draws.z[:, NormalColumn.LARGE_SPEED]),
        draws.ids,
    )
    late = _over_by(draws, output_tokens, large_output_tokens) >= from_ns
    return map(DecidedRequest._make, zip(*(column[late].tolist() for column in columns), strict=True))


def _over_by(draws: RandomDraws, output_tokens: Ints, large_output_tokens: Ints) -> Ints:
    """A time by which each request is surely over, its shadow included: every call twice, at the slowest."""
    slowest_ms = 60 * np.exp(0.3 * np.abs(draws.z).max(axis=1, initial=0)) * (output_tokens + large_output_tokens + 500)
    margin_ns: Ints = (2 * slowest_ms * 1e6).astype(np.int64) + 30 * 10**9
    return draws.at_ns + margin_ns


def _ask(draws: RandomDraws, question: UniformColumn, chance: Floats | float) -> Flags:
    return draws.u[:, question] < chance


def _since_event(draws: RandomDraws, settings: DemoSettings) -> Ints:
    return draws.at_ns - int(settings.event_at.timestamp() * 10**9)


def _new_version(draws: RandomDraws, settings: DemoSettings) -> Flags:
    """Which requests meet the next router version: until it is rolled back, or from a canary on."""
    since = _since_event(draws, settings)
    if settings.scenario == "incident":
        return (since >= 0) & (since < _ns(INCIDENT_LENGTH))
    share = np.where(since >= 0, 1.0, np.where(since >= -_ns(CANARY_LENGTH), 0.1, 0.0))
    return _ask(draws, UniformColumn.NEW_VERSION, share) & (settings.scenario == "upgrade")


def _confidence(draws: RandomDraws, settings: DemoSettings, new: Flags) -> tuple[Floats, Floats]:
    """How sure the router is, and the threshold: less noisy after an upgrade, needlessly unsure in the incident."""
    better = new & (settings.scenario == "upgrade")
    odds = np.log(draws.ease / (1 - draws.ease + 1e-9) + 1e-9)
    noise = np.where(better, 0.3, 0.7) * draws.z[:, NormalColumn.CONFIDENCE]
    confidence = 1 / (1 + np.exp(-(odds + noise)))
    hit = new & (draws.task == INCIDENT_TASK_INDEX) & np.isin(draws.tenant, INCIDENT_TENANT_INDEXES)
    hit &= settings.scenario == "incident"
    return np.where(hit, confidence * 0.65, confidence), TASK_THRESHOLDS[draws.task] - np.where(better, 0.05, 0.0)


def _reason(draws: RandomDraws, unsure: Flags, input_tokens: Ints) -> npt.NDArray[np.str_]:
    """Why the request goes straight to the large lane; empty where it does not."""
    strict = (draws.task == CONTRACT_TASK_INDEX) & (draws.tenant == POLICY_TENANT_INDEX)
    cases = [strict, input_tokens > demo_company.SMALL_CONTEXT_TOKENS, unsure]
    return np.select(cases, ["policy", "context_length", "low_confidence"], default="")


def _prompt_cached(draws: RandomDraws, input_tokens: Ints) -> Ints:
    """Input tokens that the provider had in its prompt cache: whole blocks of 128 of long prompts."""
    share = np.where(_ask(draws, UniformColumn.PROMPT_CACHED, 0.45) & (input_tokens > 1024), 0.6, 0.0)
    return (input_tokens * share).astype(np.int64) // 128 * 128


def _growth(draws: RandomDraws, settings: DemoSettings) -> Floats:
    """How much longer answers have become since the drift began."""
    days = np.maximum(_since_event(draws, settings), 0) / DAY_NS
    return np.power(DAILY_DRIFT_FACTOR, days) if settings.scenario == "drift" else np.ones(len(days))


def _rounded(values: Floats, least: int) -> Ints:
    return np.maximum(values.round().astype(np.int64), least)


def _ns(span: timedelta) -> int:
    return int(span.total_seconds()) * 10**9
