"""The tab Before launch: uploaded answers become pass rates, tiers, a month and a policy, or a clear refusal."""

import orjson
import polars as pl

from tests.ui.conftest import Open

PAGE, MODELS = "what_if.py", "small=gpt-5-nano, large=gpt-5"


def answers(n: int = 300) -> bytes:
    rows = [
        {"task": task, "id": i, "model": model, "score": float(i < k), "input_tokens": 1000, "output_tokens": 200}
        for task, ks in (("easy", (n, n)), ("hard", (n // 3, n)))
        for model, k in zip(("gpt-5-nano", "gpt-5"), ks, strict=True)
        for i in range(n)
    ]
    return pl.DataFrame(rows).write_csv().encode()


def test_uploaded_answers_say_where_each_task_begins_though_nothing_was_ever_received(
    empty_url: str, opened: Open
) -> None:
    page = opened(empty_url, PAGE, part="Before launch")
    assert not page.exception
    page.file_uploader[0].upload("answers.csv", answers(), "text/csv")
    page.file_uploader[1].upload("criteria.toml", b"version = 4\n[default]\nscore = 0.5\n", "application/toml")
    page.text_input(key="models").set_value(MODELS)
    page.number_input(key="requests a day").set_value(1000)
    page.run()
    assert not page.exception
    assert not page.error
    rates, tiers, readiness, months = (each.value for each in page.dataframe)
    assert list(zip(tiers["task_type"], tiers["tier"], tiers["verdict"], strict=True)) == [
        ("easy", "small", "alone"),
        ("hard", "large", "alone"),
    ]
    assert list(rates["n"]) == [300] * 4
    assert len(readiness) == 8
    assert list(months["plan"]) == ["chosen", "all small", "all large"]
    policy, routers = page.code
    assert {task: each["tier"] for task, each in orjson.loads(policy.value)["task_types"].items()} == {
        "easy": "small",
        "hard": "large",
    }
    assert "criteria 4" in routers.value
    assert "gpt-5-nano" in routers.value


def test_a_file_that_cannot_be_profiled_is_refused_by_its_own_name(empty_url: str, opened: Open) -> None:
    page = opened(empty_url, PAGE, part="Before launch")
    page.file_uploader[0].upload("answers.csv", answers(3), "text/csv")
    page.text_input(key="models").set_value("small=gpt-5-nano, large=gpt-6")
    page.run()
    assert not page.exception
    assert page.error[0].value.startswith("answers.csv: no answers of large")
