"""The files that a server writes of each week's cost, once it is over."""

from datetime import timedelta
from typing import Annotated, Literal, get_args

from pydantic import Field

from controlsurface.config.section import ConfigSection, Duration

CostFormat = Literal["csv", "parquet", "xlsx", "json", "focus"]
COST_FORMATS: tuple[CostFormat, ...] = get_args(CostFormat)
EXPORT_DIMENSIONS = ("tenant", "team", "job", "task_type", "lane", "model")


class CostExportsConfig(ConfigSection):
    """Where the cost of a closed week is written by itself, and how."""

    folder: str = Field(
        "",
        description="where the cost of each closed week is written: a folder, as seen from the configuration, or "
        "s3://bucket/folder; empty: nowhere",
    )
    period: Literal["week", "day"] = Field("week", description="what one export covers: week or day")
    formats: tuple[CostFormat, ...] = Field(("csv",), min_length=1, description="csv, parquet, xlsx, json, focus")
    by: tuple[str, ...] = Field(EXPORT_DIMENSIONS, max_length=6, description="dimensions of the rows; focus has all")
    delay: Annotated[Duration, Field(ge=timedelta(0), le=timedelta(days=28))] = Field(
        timedelta(days=1), description="wait for late spans after a week or day is over"
    )
    weeks: int = Field(
        4,
        ge=1,
        le=53,
        description="closed weeks, or their days, that are looked at again; a changed one gets its next revision",
    )
