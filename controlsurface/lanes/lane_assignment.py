"""A model is put into a lane, by whoever looks at it."""

from pydantic import Field

from controlsurface.query.arguments import Arguments, ArgumentText


class LaneAssignment(Arguments):
    """Which model belongs to which lane."""

    model: ArgumentText = Field(min_length=1, description="name of the model, with or without provider prefix")
    lane: ArgumentText = Field(min_length=1, description="a lane of the configuration")
    source: ArgumentText = Field("api", min_length=1, description="who says so")
