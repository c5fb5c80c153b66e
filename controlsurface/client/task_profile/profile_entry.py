"""What people write down of a task type, and the change that does it."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from controlsurface.errors import BadRequest
from controlsurface.query.arguments import Arguments

BlastRadius = Literal["low", "medium", "high"]
STATED_FIELDS = ("output", "blast_radius", "tier", "routing_signal", "escalation_trigger", "owner")
MAX_CHANGES = 1000  # task types of one change


def _none_if_blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


_Maybe = BeforeValidator(_none_if_blank)
_Text = Annotated[Annotated[str, Field(max_length=1000)] | None, _Maybe]
_Name = Annotated[Annotated[str, Field(max_length=100)] | None, _Maybe]


class TaskProfileEntry(Arguments):
    """One task type, whole: what is left out is not said any more."""

    task_type: str = Field(min_length=1, max_length=1000, description="as requests name it")
    rests_on: int | None = Field(
        None, ge=0, strict=True, description="the version that was looked at, 0 for none; null: whichever is there"
    )
    removed: bool = Field(False, strict=True, description="nobody describes it any more")
    output: _Text = Field(None, description="what an acceptable answer is")
    blast_radius: Annotated[BlastRadius | None, _Maybe] = Field(None, description="what a wrong answer does")
    tier: _Name = Field(None, description="the lane that is tried first")
    routing_signal: _Text = Field(None, description="what the router decides by")
    escalation_trigger: _Text = Field(None, description="when it goes up")
    owner: _Name = Field(None, description="whom to ask")


class TaskProfileChange(Arguments):
    """Task types that are described anew, all together or none."""

    profiles: tuple[TaskProfileEntry, ...] = Field(
        min_length=1, max_length=MAX_CHANGES, description="those that change"
    )
    who: str = Field(
        "api", min_length=1, max_length=100, description="who says so; a caller's own name is always taken"
    )
    why: str = Field("", max_length=1000, description="for those who will wonder")

    @model_validator(mode="after")
    def _once(self) -> "TaskProfileChange":
        """Refuse a task type that stands twice: nobody could tell which one holds."""
        names = [each.task_type for each in self.profiles]
        for name in names:
            if names.count(name) > 1:
                raise BadRequest(f"profiles: '{name[:80]}' stands twice")
        return self
