"""What the user writes: one TOML file, every key with a default, checked as a whole."""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from controlsurface.config.advice_config import AdviceConfig
from controlsurface.config.alert_delivery import DeliveryConfig
from controlsurface.config.architectures import Architectures
from controlsurface.config.budgets import Budgets
from controlsurface.config.control_costs import ControlConfig
from controlsurface.config.cost_exports import CostExportsConfig
from controlsurface.config.query_limits import LimitsConfig
from controlsurface.config.section import ConfigSection, Duration, parse_duration
from controlsurface.config.server_access import MIN_TOKEN_CHARACTERS, AuthConfig, Role, ServerConfig, TokenConfig
from controlsurface.errors import ConfigError
from controlsurface.explanations import explain

MIB = 1 << 20
_WEAK_TOKEN_TEXT = (
    f"a token has at least {MIN_TOKEN_CHARACTERS} characters, so that nobody guesses it; make one with "
    "python -c 'import secrets; print(secrets.token_urlsafe())'. On 127.0.0.1 no token is needed"
)
SMALL_LANE, LARGE_LANE = "small", "large"  # the lanes of a configuration that names none

# What this module hands on, beside its own.
__all__ = ["AuthConfig", "Duration", "Role", "ServerConfig", "TokenConfig", "parse_duration"]


class LaneConfig(ConfigSection):
    """Which models form a lane, cheap to dear in the order of the file."""

    models: tuple[str, ...] = Field((), description="globs over the model's name, without provider prefix")
    aliases: tuple[str, ...] = Field((), description="other words a router may use for this lane")
    escalation: bool = Field(False, description="an answer from this lane is an escalation")


class TaskTypesConfig(ConfigSection):
    """Which attributes name the kind of work; the first present wins, then the vocabulary's own."""

    from_: tuple[str, ...] = Field((), alias="from", description="attribute names, in order of trust")


def _glob(text: str) -> str:
    """A pattern of attribute names. Raises ValueError for what can match none, or was meant otherwise."""
    if not text or len(text) > 256 or any(each.isspace() or not each.isprintable() for each in text):
        raise ValueError("a pattern is 1 to 256 characters without white space, such as 'acme.*'")
    if "]" not in text[text.rfind("[") + 1 :] and "[" in text:
        raise ValueError(f"'{text}' has a '[' without ']'; write '[[]' for the character itself")
    return text


Glob = Annotated[str, AfterValidator(_glob)]


class ContentConfig(ConfigSection):
    """Whether prompts and answers may touch the disk, and what else of texts."""

    store: Literal["none", "redacted", "all"] = Field("none", description="which prompts and answers are kept")
    redact: tuple[Literal["email", "phone", "card", "iban", "ssn", "ip", "birth", "secret"], ...] = Field(
        ("email", "phone", "card", "iban", "ssn", "ip", "birth", "secret"), description="what `redacted` blacks out"
    )
    keep: tuple[Glob, ...] = Field((), description="with `none`: patterns of attributes that are kept whole")
    drop: tuple[Glob, ...] = Field((), description="with `none`: patterns of attributes that are dropped; beats `keep`")
    max_identifier: int = Field(64, ge=16, le=1024, description="characters of a word kept under a name nobody knows")
    max_fact: int = Field(512, ge=64, le=65_536, description="characters kept of a text that a column reads")
    max_name: int = Field(128, ge=32, le=1024, description="characters of a name of a span, event, metric or attribute")

    @model_validator(mode="after")
    def _meant(self) -> Self:
        """Refuse what keeps everything under another name, or keeps and drops the same."""
        if "*" in self.keep:
            raise ValueError("keep: '*' keeps everything; say store = 'all'")
        if both := set(self.keep) & set(self.drop):
            raise ValueError(f"drop wins over keep, so keep never counts for '{min(both)}'; take it out of one")
        return self


class ReceiverConfig(ConfigSection):
    """Limits of the OTLP receivers."""

    max_http_body: int = Field(64 * MIB, gt=0, description="bytes, as sent and after decompression")
    max_grpc_body: int = Field(16 * MIB, gt=0, description="bytes, as sent and after decompression")
    max_pending: int = Field(256 * MIB, gt=0, description="bytes answered but not yet stored, over which 503 is given")
    max_buffered: int = Field(
        256 * MIB, gt=0, description="bytes of bodies, as sent, in memory at once, over which 503 is given"
    )
    max_items: int = Field(
        100_000, ge=100, description="spans, log records, data points, resources and scopes of one body; else 400"
    )
    max_fields: int = Field(
        4_000_000, ge=1000, description="fields of one body, at any depth, or values of a JSON one; else 400"
    )
    max_attributes: int = Field(
        1024, ge=16, description="attributes of a span, event, link, record, resource or scope; the rest is dropped"
    )
    max_events: int = Field(1024, ge=16, description="events, and links, of a span; the rest is dropped")
    max_names: int = Field(
        20_000, ge=100, description="attribute names of one body that were never met before; else 400"
    )
    check_timeout: Duration = Field(
        timedelta(seconds=8),
        gt=timedelta(0),
        description="for the check of one body, after which its process is replaced",
    )


class ImportFilesConfig(ConfigSection):
    """What `import` takes from one file, so that a small one cannot fill the memory or the disk."""

    max_bytes: int = Field(32_768 * MIB, gt=0, description="bytes that a file opens into")
    max_ratio: int = Field(200, ge=10, description="times its size that a file may open into, from 64 MiB on")


class JournalConfig(ConfigSection):
    """The append-only record of everything that was answered."""

    segment: int = Field(64 * MIB, gt=0, description="bytes after which a new segment begins")
    retention: Duration = Field(timedelta(days=7), description="how long stored segments are kept")
    max_size: int = Field(8192 * MIB, gt=0, description="bytes of all segments; stored ones are dropped first")
    min_free: int = Field(64 * MIB, ge=0, description="bytes left free on the disk, under which acceptance stops")


class WriterConfig(ConfigSection):
    """How journal records become rows."""

    max_rows: int = Field(122_880, gt=0, description="spans of one transaction")
    max_delay: Duration = Field(timedelta(milliseconds=500), description="longest wait before a flush")
    trace_window: Duration = Field(timedelta(hours=1), description="how far apart spans of one trace are looked for")


RetentionPeriod = Annotated[Duration, Field(ge=timedelta(days=1), le=timedelta(days=36_500))]


class RetentionConfig(ConfigSection):
    """How long stored rows are kept; what is older is removed by the hour."""

    spans: RetentionPeriod = Field(timedelta(days=90), description="whole spans: traces, and what late spans correct")
    requests: RetentionPeriod = Field(
        timedelta(days=90), description="requests, calls, evaluations, five-minute roll-ups"
    )
    rollups: RetentionPeriod = Field(
        timedelta(days=761), description="hourly roll-ups: figures of what has no rows any more"
    )
    alerts: RetentionPeriod = Field(
        timedelta(days=761), description="history of alerts, messages and silences that are over"
    )

    @model_validator(mode="after")
    def _outlived(self) -> Self:
        """Roll-ups stand for rows that are gone."""
        if self.rollups < self.requests:
            raise ValueError("rollups are kept at least as long as requests; raise rollups, or lower requests")
        return self


class CostsConfig(ConfigSection):
    """Where a price comes from: the user's price file, then trusted spans, then genai-prices."""

    trust_spans: bool = Field(True, description="use the cost a client wrote on its span")
    prices: str = Field("prices.toml", description="the user's price file, beside the configuration")
    run_gap: Duration = Field(
        timedelta(hours=1),
        gt=timedelta(0),
        description="a job's calls after a pause longer than this are its next run, where nobody sends `job.run`",
    )
    success_evaluation: str = Field(
        "", description="the evaluation whose pass completes a task; none: the quality gate's"
    )


class ComparatorConfig(ConfigSection):
    """When two answers disagree."""

    kind: Literal["exact", "text", "number", "json", "judge"] = Field(
        "number", description="as labels, words, numbers (else labels), by fields of JSON, by scores of a judge"
    )
    tolerance: float = Field(0.02, ge=0, description="numbers and scores no further apart agree")
    fields: tuple[Annotated[str, Field(pattern=r"^\$[\w.\[\]\*-]*$")], ...] = Field(
        (), description="json: what is compared, as paths such as `$.total`"
    )
    evaluation: str = Field("", description="judge: the evaluation whose scores of both answers are compared")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Refuse a comparator that could never tell."""
        if self.kind == "json" and not self.fields:
            raise ValueError("json compares fields; name some, such as fields = ['$.total']")
        if self.kind == "judge" and not self.evaluation:
            raise ValueError("judge needs the name of an evaluation that scores both answers")
        return self


class AuditConfig(ConfigSection):
    """How answers are compared and graded when lanes are audited."""

    comparator: ComparatorConfig = ComparatorConfig()
    comparators: dict[str, ComparatorConfig] = Field(
        {}, description="by task type, where it differs: a table like `audit.comparator` each"
    )
    grade_evaluation: str = Field("", description="evaluation whose score, 0 to 1, grades an answer")
    grade_labels: bool = Field(False, description="labels that are numbers from 0 to 1 are grades")


class ProfileConfig(ConfigSection):
    """When `profile` lets a tier answer a task type; both bounds are held against the lower end of the interval."""

    alone: float = Field(0.95, gt=0, le=1, description="from this pass rate on a tier answers alone")
    escalating: float = Field(0.85, gt=0, le=1, description="from this one on it answers first, and what fails goes up")
    min_prompts: int = Field(200, gt=0, description="prompts without which a profile says that it rests on too few")


class AlertsConfig(ConfigSection):
    """Which rules are in force."""

    shipped: bool = Field(True, description="evaluate the rules that come with Control Surface")
    directories: tuple[str, ...] = Field((), description="folders of your own rules")
    disable: tuple[str, ...] = Field((), description="names of rules that are not evaluated")
    false_alerts_per_week: float = Field(1, gt=0, description="how many drift rules may raise by chance, all together")
    weekly_budget_usd: float = Field(
        0, ge=0, description="what a week may cost, for rules about the budget; 0: no limit"
    )
    clock_tolerance: Annotated[Duration, Field(ge=timedelta(seconds=1))] = Field(
        timedelta(seconds=5), description="how far the machine's clock may jump before that counts as being set"
    )
    clock_hold: Annotated[Duration, Field(le=timedelta(days=1))] = Field(
        timedelta(minutes=5), description="how long a clock that was set is not believed; alerting goes on as before"
    )
    stalled_after: Annotated[Duration, Field(ge=timedelta(seconds=10))] = Field(
        timedelta(minutes=5), description="without an evaluation for so long (and 3 intervals), `/readyz` says 503"
    )


class Config(ConfigSection):
    """The whole file; `controlsurface doctor --config` prints it."""

    lanes: dict[str, LaneConfig] = Field(
        default_factory=lambda: {
            SMALL_LANE: LaneConfig(aliases=("slm", "weak", "simple", "medium", "cheap", "fast")),
            LARGE_LANE: LaneConfig(aliases=("llm", "strong", "complex", "reasoning", "dear"), escalation=True),
        },
        description="order = from cheap to dear; without this table, models are placed by their list prices",
    )
    task_types: TaskTypesConfig = TaskTypesConfig(**{"from": ()})
    architectures: Architectures = Field({}, description="ways of building the system that are compared, by name")
    content: ContentConfig = ContentConfig()
    receiver: ReceiverConfig = ReceiverConfig()
    files: ImportFilesConfig = ImportFilesConfig()
    journal: JournalConfig = JournalConfig()
    writer: WriterConfig = WriterConfig()
    retention: RetentionConfig = RetentionConfig()
    limits: LimitsConfig = LimitsConfig()
    costs: CostsConfig = CostsConfig()
    budgets: Budgets = Field((), description="what calls of a team, tenant, job or kind of work may cost")
    exports: CostExportsConfig = CostExportsConfig()
    control: ControlConfig = ControlConfig()
    audit: AuditConfig = AuditConfig()
    profile: ProfileConfig = ProfileConfig()
    advice: AdviceConfig = AdviceConfig()
    server: ServerConfig = ServerConfig()
    auth: AuthConfig = AuthConfig()
    delivery: DeliveryConfig = DeliveryConfig()
    alerts: AlertsConfig = AlertsConfig()

    @property
    def lanes_assumed(self) -> bool:
        """Whether nobody wrote down which models form a lane, so that list prices have to say it."""
        return "lanes" not in self.model_fields_set


def load_config(path: Path | None) -> Config:
    """The configuration in `path`, or the defaults where there is none. Raises ConfigError naming every problem."""
    if path is None:
        return Config()
    try:
        return _beside(path, parse_config(tomllib.loads(path.read_text("utf-8")), str(path)))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(f"{path}: {problem}") from None


def _beside(path: Path, config: Config) -> Config:
    """The names of files and folders as seen from the configuration's folder."""
    here = path.parent.absolute()
    costs = config.costs.model_copy(update={"prices": str(here / config.costs.prices)})
    folders = tuple(str(here / folder) for folder in config.alerts.directories)
    alerts = config.alerts.model_copy(update={"directories": folders})
    place = config.exports.folder
    exports = config.exports.model_copy(update={"folder": str(here / place) if place and "://" not in place else place})
    return config.model_copy(update={"costs": costs, "alerts": alerts, "exports": exports})


def parse_config(table: Mapping[str, Any], name: str) -> Config:
    """A parsed TOML table as Config. Raises ConfigError with file, place and nearest key of all problems."""
    try:
        config = Config.model_validate(table)
    except ValidationError as problem:
        raise ConfigError("\n".join(f"{name}: {each}" for each in explain(problem, Config))) from None
    if weak := [f"{name}: auth.{key}: {_WEAK_TOKEN_TEXT}" for key in config.auth.weak()]:
        raise ConfigError("\n".join(weak))
    return config
