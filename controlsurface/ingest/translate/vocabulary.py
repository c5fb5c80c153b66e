"""One file of collectors/: which attributes of a client fill which of our columns, and what its spans are."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from controlsurface.config.section import ConfigSection
from controlsurface.errors import did_you_mean

SPAN_ROLES = ("request", "gateway", "decision", "dispatch", "cache_lookup", "call", "failed_call", "wrapper")
TEXT_COLUMNS = (
    "request_id link_id task_type purpose lane router router_version reason confidence_kind escalation_reason "
    "requested_model selected_model model provider finish error_type cache mode gate answer_label shadow_of "
    "tenant team job job_run user_id session_id environment operation response_id service_tier input_counting "
    "output_counting prompt_hash"
).split()
COUNT_COLUMNS = (
    "input_tokens cached_tokens cache_write_tokens output_tokens reasoning_tokens "
    "context_system context_retrieved context_history context_tools total_tokens cache_write_1h_tokens "
    "audio_input_tokens audio_output_tokens cached_audio_tokens image_input_tokens image_output_tokens web_searches"
).split()
NUMBER_COLUMNS = "confidence threshold ttft_ms cost_usd sampling_probability sample_rate".split()
FLAG_COLUMNS = "escalated fell_back cache_hit gate_passed streamed".split()
COLUMN_KINDS = {
    **dict.fromkeys(TEXT_COLUMNS, "text"),
    **dict.fromkeys(COUNT_COLUMNS, "count"),
    **dict.fromkeys(NUMBER_COLUMNS, "number"),
    **dict.fromkeys(FLAG_COLUMNS, "flag"),
}
SPAN_KEYS = {
    "span.name": "name",
    "span.kind": "CASE kind WHEN 1 THEN 'internal' WHEN 2 THEN 'server' WHEN 3 THEN 'client' ELSE 'other' END",
    "span.status": "CASE status WHEN 1 THEN 'ok' WHEN 2 THEN 'error' ELSE 'unset' END",
}

AttributeCondition = Mapping[str, str | bool | tuple[str, ...]]


class AttributeSource(ConfigSection):
    """Where a value comes from: an attribute, part of it, or a constant; only `when` other attributes say so."""

    key: str = Field(
        "",
        description="attribute name, or a pattern of names that nobody lists (`*.input_tokens`); `resource.X`, "
        "`event.E/X`, `span.name|kind|status`, `scope.name`",
    )
    const: str = Field("", description="a fixed value")
    path: str = Field("", description="JSON path into a value that is JSON")
    pattern: str = Field("", description="regular expression; its first group is the value")
    scale: float = Field(1.0, description="factor to the column's unit")
    values: Mapping[str, str] = Field(default_factory=dict, description="their word = our word; others stay")
    when: AttributeCondition = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """A bare string is a key."""
        return {"key": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one(self) -> "AttributeSource":
        if bool(self.key) == bool(self.const):
            raise ValueError("give either key or const")
        return self


class SpanRole(ConfigSection):
    """What a span is, when its attributes say so."""

    role: str
    when: AttributeCondition

    @model_validator(mode="after")
    def _known(self) -> "SpanRole":
        if self.role not in SPAN_ROLES:
            raise ValueError(f"no role named '{self.role}'{did_you_mean(self.role, SPAN_ROLES)}")
        return self


class Vocabulary(ConfigSection):
    """One file of collectors/."""

    name: str
    about: str = Field(description="what it is and where it is written down")
    order: int = Field(50, description="lower is asked first: the more specific, the lower")
    recognise: tuple[str, ...] = Field((), description="a span with one of these attributes speaks this vocabulary")
    known: tuple[str, ...] = Field((), description="globs of attribute names that belong to it, read or not")
    content: tuple[str, ...] = Field((), description="globs of attributes that hold prompts or answers")
    harmless: tuple[str, ...] = Field((), description="globs of attributes that never do, though no column reads them")
    prompts: tuple[tuple[str, ...], ...] = Field(
        (), description="attributes that hold a call's whole prompt, each followed by those that belong to it"
    )
    roles: tuple[SpanRole, ...] = ()
    columns: Mapping[str, tuple[AttributeSource, ...]] = Field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = Field(default_factory=dict, description="words of whole columns")

    @model_validator(mode="after")
    def _columns_exist(self) -> "Vocabulary":
        for column in (*self.columns, *self.values):
            if column not in COLUMN_KINDS:
                raise ValueError(f"columns: no column named '{column}'{did_you_mean(column, COLUMN_KINDS)}")
        return self
