"""Tables of answers that were collected already: their forms, their words and their faults."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from controlsurface.errors import BadRequest, ControlSurfaceError
from controlsurface.profile.answer_table import ANSWER_SCHEMA, SINGLE_TASK, read_answers

TIERS = {"small": "tiny-1", "large": "big-1"}
LONG = pl.DataFrame(
    {
        "task": ["chat"] * 4,
        "question_id": [1, 1, 2, 2],
        "model": ["tiny-1", "big-1"] * 2,
        "response": ["a", "b", "c", "d"],
        "correct": [True, False, None, True],
        "prompt_tokens": [10, 10, 20, 20],
    }
)


def written(folder: Path, table: pl.DataFrame, name: str = "answers.csv") -> Path:
    path = folder / name
    write: Callable[[Path], object] = getattr(
        table, {".jsonl": "write_ndjson"}.get(path.suffix, f"write_{path.suffix[1:]}")
    )
    write(path)
    return path


@pytest.mark.parametrize("name", ["answers.csv", "answers.parquet", "answers.jsonl"])
def test_a_row_an_answer_is_read_by_usual_words_from_any_form(tmp_path: Path, name: str) -> None:
    found = read_answers(written(tmp_path, LONG, name), TIERS)
    assert found.schema == ANSWER_SCHEMA
    assert found.select("task_type", "prompt_id", "tier", "answer", "score", "input_tokens").rows() == [
        ("chat", "1", "small", "a", 1.0, 10),
        ("chat", "1", "large", "b", 0.0, 10),
        ("chat", "2", "small", "c", None, 20),
        ("chat", "2", "large", "d", 1.0, 20),
    ]
    assert found["cost_usd"].null_count() == 4


def test_a_column_a_model_is_scores_where_they_are_numbers_and_answers_else(tmp_path: Path) -> None:
    scores = read_answers(written(tmp_path, pl.DataFrame({"tiny-1": [0.2, 0.9], "big-1": [1.0, 0.8]})), TIERS)
    assert scores.select("task_type", "prompt_id", "tier", "score").rows() == [
        (SINGLE_TASK, "0", "small", 0.2),
        (SINGLE_TASK, "1", "small", 0.9),
        (SINGLE_TASK, "0", "large", 1.0),
        (SINGLE_TASK, "1", "large", 0.8),
    ]
    texts = read_answers(written(tmp_path, pl.DataFrame({"tiny-1": ["x"], "big-1": ["y"]})), TIERS)
    assert texts["answer"].to_list() == ["x", "y"]


def test_columns_of_other_names_are_read_where_they_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, LONG.rename({"response": "said"}))
    assert read_answers(path, TIERS, {"answer": "said"})["answer"].to_list() == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (LONG.filter(pl.col("model") != "big-1"), "no answers of large .'big-1'.; the table has tiny-1"),
        (pl.concat([LONG, LONG.head(1)]), "small answers prompt '1' of chat twice"),
        (LONG.with_columns(pl.lit("many").alias("prompt_tokens")), "column 'prompt_tokens' holds what is no number"),
        (LONG.drop("model"), "no column 'tier', and none for small named 'tiny-1'"),
        (LONG.clear(), "no rows"),
    ],
)
def test_a_table_that_cannot_be_profiled_is_refused_with_what_it_lacks(
    tmp_path: Path, table: pl.DataFrame, said: str
) -> None:
    with pytest.raises(BadRequest, match=said):
        read_answers(written(tmp_path, table), TIERS)


@pytest.mark.parametrize(
    ("columns", "said"),
    [({"anser": "response"}, "did you mean 'answer'"), ({"answer": "respons"}, "did you mean 'response'")],
)
def test_a_wrong_name_of_a_column_is_answered_with_the_nearest(
    tmp_path: Path, columns: dict[str, str], said: str
) -> None:
    with pytest.raises(ControlSurfaceError, match=said):
        read_answers(written(tmp_path, LONG), TIERS, columns)


def test_a_file_of_another_kind_is_refused_with_those_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "answers.txt"
    path.write_text("a", "utf-8")
    with pytest.raises(BadRequest, match=r"\.csv, \.jsonl"):
        read_answers(path, TIERS)
