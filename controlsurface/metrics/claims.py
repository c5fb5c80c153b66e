"""A model is put into a lane, by whoever looks at it."""

from pydantic import Field

from controlsurface.metrics.arguments import Arguments, Text


class Claim(Arguments):
    """Which model belongs to which lane."""

    model: Text = Field(min_length=1, description="name of the model, with or without provider prefix")
    lane: Text = Field(min_length=1, description="a lane of the configuration")
    source: Text = Field("api", min_length=1, description="who says so")
