"""What a simulation depends on: its settings, and the imagined company with its kinds of work, models and tenants."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from controlsurface.errors import BadRequest, UnknownName


@dataclass(frozen=True, slots=True)
class DemoModel:
    """A model, its provider, and how fast it is: milliseconds to the first token and per token after it."""

    name: str
    dated: str
    provider: str
    first_token_ms: float
    per_token_ms: float
    reasoning: float = 0.0  # share of output tokens spent on reasoning


NANO = DemoModel("gpt-5-nano", "gpt-5-nano-2025-08-07", "openai", 90, 2.5)
MINI = DemoModel("gpt-5-mini", "gpt-5-mini-2025-08-07", "openai", 190, 5)
HAIKU = DemoModel("claude-haiku-4-5", "claude-haiku-4-5-20251001", "anthropic", 210, 6)
SELF_HOSTED = DemoModel("qwen2.5-7b-instruct", "qwen2.5-7b-instruct", "vllm", 120, 8)
GPT = DemoModel("gpt-5", "gpt-5-2025-08-07", "openai", 700, 14, reasoning=0.4)
SONNET = DemoModel("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "anthropic", 620, 16)


@dataclass(frozen=True, slots=True)
class DemoTask:
    """A kind of work: how much of it there is, how hard it is, and who does it.

    `ease` is the mean chance that the small lane answers well; `sure` how alike the requests are in that.
    """

    name: str
    share: float
    ease: float
    sure: float
    threshold: float
    small: DemoModel
    large: DemoModel
    input_tokens: float
    output_tokens: float
    gate: str
    cached: float
    batch: float
    team: str
    labels: tuple[str, ...]


TASKS = (
    DemoTask("classification", 0.22, 0.94, 14, 0.60, NANO, GPT, 420, 12, "schema", 0.14, 0.20, "support",
         ("billing", "delivery", "refund", "technical", "other")),
    DemoTask("extraction", 0.18, 0.90, 12, 0.65, MINI, GPT, 1500, 160, "schema", 0.05, 0.35, "operations",
         ("complete", "partial", "nothing_found")),
    DemoTask("rag_answer", 0.18, 0.82, 9, 0.60, MINI, SONNET, 3200, 280, "grounding", 0.10, 0.00, "support",
         ("answered", "not_in_sources", "clarify")),
    DemoTask("summarise", 0.12, 0.89, 12, 0.55, HAIKU, SONNET, 4200, 220, "length", 0.03, 0.40, "research",
         ("faithful", "lossy")),
    DemoTask("chat", 0.12, 0.84, 8, 0.55, HAIKU, SONNET, 900, 240, "", 0.04, 0.00, "support",
         ("resolved", "handed_over")),
    DemoTask("code", 0.08, 0.70, 5, 0.60, SELF_HOSTED, SONNET, 2100, 520, "tests", 0.01, 0.00, "engineering",
         ("passes", "fails", "does_not_build")),
    DemoTask("sql", 0.06, 0.76, 6, 0.60, MINI, GPT, 1300, 130, "executes", 0.06, 0.00, "analytics",
         ("rows", "empty", "error")),
    DemoTask("contract_review", 0.04, 0.55, 5, 0.65, MINI, SONNET, 7800, 640, "checklist", 0.00, 0.10, "legal",
         ("no_findings", "minor", "major")),
)  # fmt: skip

TENANTS = ("aurora-bank", "birch-retail", "cobalt-telecom", "delta-logistics", "ember-health")
TENANT_SHARES = (0.34, 0.24, 0.18, 0.14, 0.10)
USERS_PER_TENANT = 40

SMALL_CONTEXT_TOKENS = 16_000  # input tokens above which only the large lane is asked
POLICY_TENANT = "ember-health"  # its contracts always go to the large lane

ROUTER_NAME = "difficulty-router"
ROUTER_VERSION = "2026.40"
NEXT_VERSION = "2026.41"
INCIDENT_TASK = "extraction"
INCIDENT_TENANTS = ("birch-retail", "delta-logistics")

Scenario = Literal["steady", "incident", "drift", "upgrade"]
SCENARIOS: tuple[str, ...] = get_args(Scenario)
DEFAULT_RATE = 1 / 60
THIN_SHARE = 1 / 15  # of the rate, before `dense_from`


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """The same settings give the same spans for the same window, whoever asks and in whatever pieces.

    `rate` is in requests per second, averaged over a week when `rhythm` gives days and nights, constant otherwise.
    `event_at` is when the scenario's event begins: the bad rollout, the drift, the upgrade. Before `dense_from`
    there is THIN_SHARE of the traffic, so that weeks of history take little room.
    """

    seed: int = 0
    scenario: str = "steady"
    rate: float = DEFAULT_RATE
    rhythm: bool = True
    event_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    dense_from: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            raise UnknownName("scenario", self.scenario, SCENARIOS)
        if not 0 < self.rate <= 2_000:
            raise BadRequest(f"rate {self.rate:g}: give requests a second, above 0 and up to 2000")
        if self.seed < 0:
            raise BadRequest(f"seed {self.seed}: give a whole number from 0")
