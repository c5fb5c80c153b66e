"""Answers that were collected already: a table with a row an answer, or a column a model."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import polars as pl

from controlsurface.errors import BadRequest, UnknownName

ANSWER_SCHEMA = {
    "task_type": pl.String,
    "prompt_id": pl.String,
    "tier": pl.String,
    "answer": pl.String,
    "expected": pl.String,
    "score": pl.Float64,
    "judge_score": pl.Float64,
    "confidence": pl.Float64,
    "input_tokens": pl.Int64,
    "output_tokens": pl.Int64,
    "latency_s": pl.Float64,
    "cost_usd": pl.Float64,
}
# Other words for a column, as collections of evaluations have them.
COLUMN_WORDS = {
    "task_type": ("task", "task_name", "category", "subject"),
    "prompt_id": ("id", "question_id", "row", "prompt"),
    "tier": ("lane", "model"),
    "answer": ("response", "output", "completion"),
    "expected": ("reference", "ground_truth", "gold"),
    "score": ("grade", "correct"),
    "input_tokens": ("prompt_tokens",),
    "output_tokens": ("completion_tokens",),
    "cost_usd": ("cost",),
}
SINGLE_TASK = "all"  # where the table names no task
Tiers = Mapping[str, str]  # from cheap to dear: the lane's name, and the model's in the table
_READERS: Mapping[str, Callable[[Path], pl.DataFrame]] = {
    ".csv": lambda path: pl.read_csv(path, infer_schema_length=None),
    ".jsonl": lambda path: pl.read_ndjson(path, infer_schema_length=None),
    ".ndjson": lambda path: pl.read_ndjson(path, infer_schema_length=None),
    ".parquet": pl.read_parquet,
}
TABLE_SUFFIXES = tuple(_READERS)


def stated_tiers(texts: Iterable[str]) -> Tiers:
    """Models by lane, of texts like `small=gpt-5-nano,large=gpt-5`; a model alone is a lane of its name.

    Raises BadRequest.
    """
    models = [each.strip() for text in texts for each in text.split(",")]
    found = {}
    for each in models:
        lane, sign, model = each.partition("=")
        if not lane or (sign and not model):
            raise BadRequest(f"models '{each}': write [LANE=]MODEL,...")
        found[lane.strip()] = (model if sign else lane).strip()
    if len(found) < len(models) or len({*found.values()}) < len(found):
        raise BadRequest(f"models {','.join(models)}: each lane and each model stands once")
    return found


def read_answers(path: Path, tiers: Tiers, columns: Mapping[str, str] | None = None) -> pl.DataFrame:
    """A row an answer, in ANSWER_SCHEMA; null is unknown.

    `columns` names columns of the table that no usual word finds. A table without a column for the tier has one for
    each model, with its scores or its answers. Raises BadRequest naming the file and what is missing.
    """
    table = read_table(path)
    found = dict(_found_columns(table.columns, columns or {}))
    long = table if "tier" in found else _unpivot(table, tiers, path)
    found |= {name: name for name in ("tier", "score", "answer") if name in long.columns and name not in found}
    named = long.with_row_index("_row").select(*_typed(found, long, path), "_row")
    rows = named.with_columns(
        pl.col("task_type").fill_null(SINGLE_TASK), pl.col("prompt_id").fill_null(pl.col("_row").cast(pl.String))
    ).drop("_row")
    return _of_tiers(rows, tiers, path)


def read_table(path: Path) -> pl.DataFrame:
    """A CSV, JSON-lines or Parquet file. Raises BadRequest."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise BadRequest(f"{path}: no table; give one of {', '.join(_READERS)}")
    try:
        table = reader(path)
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise BadRequest(f"{path}: {str(problem).splitlines()[0]}") from None
    if table.is_empty():
        raise BadRequest(f"{path}: no rows")
    return table


def _found_columns(there: list[str], given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Pairs of a column of ANSWER_SCHEMA and its name in the table."""
    for name, column in given.items():
        if name not in ANSWER_SCHEMA:
            raise UnknownName("column of answers", name, ANSWER_SCHEMA)
        if column not in there:
            raise UnknownName("column in the table", column, there)
    for name in ANSWER_SCHEMA:
        words = [given[name]] if name in given else [name, *COLUMN_WORDS.get(name, ())]
        if found := next((word for word in words if word in there), None):
            yield name, found


def _unpivot(table: pl.DataFrame, tiers: Tiers, path: Path) -> pl.DataFrame:
    """One row for each model's column."""
    for lane, model in tiers.items():
        if model not in table.columns:
            raise BadRequest(
                f"{path}: no column 'tier', and none for {lane} named '{model}': {', '.join(table.columns)}"
            )
    models = [*tiers.values()]
    name = "score" if all(table.schema[model].is_numeric() for model in models) else "answer"
    kept = [each for each in table.columns if each not in {*models, "tier", name}]
    return table.with_row_index("_prompt").unpivot(
        models, index=[*kept, "_prompt"], variable_name="tier", value_name=name
    )


def _typed(found: Mapping[str, str], table: pl.DataFrame, path: Path) -> Iterator[pl.Expr]:
    """Every column of ANSWER_SCHEMA, null where the table has none. Raises BadRequest for text that is no number."""
    for name, kind in ANSWER_SCHEMA.items():
        if column := found.get(name, "_prompt" if name == "prompt_id" and "_prompt" in table.columns else None):
            if kind.is_numeric() and table[column].cast(kind, strict=False).null_count() > table[column].null_count():
                raise BadRequest(f"{path}: column '{column}' holds what is no number")
            yield pl.col(column).cast(kind).alias(name)
        else:
            yield pl.lit(None, kind).alias(name)


def _of_tiers(rows: pl.DataFrame, tiers: Tiers, path: Path) -> pl.DataFrame:
    """The rows of these tiers under the lanes' names. Raises BadRequest for a tier without rows, and for doubles."""
    lanes = {model: lane for lane, model in tiers.items()} | {lane: lane for lane in tiers}
    kept = rows.filter(pl.col("tier").is_in([*lanes])).with_columns(pl.col("tier").replace(lanes))
    for lane, model in tiers.items():
        if lane not in kept["tier"]:
            known = ", ".join(map(str, rows["tier"].unique().sort()))
            raise BadRequest(f"{path}: no answers of {lane} ('{model}'); the table has {known}")
    double = kept.filter(kept.select("task_type", "prompt_id", "tier").is_duplicated())
    if not double.is_empty():
        task, prompt, tier, *_ = double.row(0)
        raise BadRequest(f"{path}: {tier} answers prompt '{prompt}' of {task} twice; give each answer an id of its own")
    return kept
