"""Pairs: the window that holds some, what a rate means in a week, and answers with their differences marked."""

import re

import pytest

from controlsurface.audit.sampling_plan import SamplingPlanQuery
from controlsurface.client import LocalClient
from controlsurface.store.duckdb import DuckStore
from controlsurface.ui.audits.answer_diff import MAX_DIFF_WORDS, marked_answers
from controlsurface.ui.audits.plan_editor import plan_figures
from controlsurface.ui.data.comparison import MetricValue
from tests.ui.conftest import Open
from tests.ui.test_pages import html


def test_a_rate_is_pairs_cost_and_precision_of_a_week() -> None:
    found = plan_figures(0.1, 4000, MetricValue(0.02, 500), MetricValue(0.2, 100))
    assert [each[1] for each in found] == ["400", "$8.00", "± 3.9 pp"]  # 1.96 * sqrt(0.2 * 0.8 / 400) = 0.0392


def test_what_is_not_known_of_a_plan_is_said() -> None:
    found = plan_figures(0.005, 4000, MetricValue(0.02, 29), MetricValue(0.2, 29))
    assert [each[1] for each in found] == ["20", "unknown", "too few"]
    assert "disagreement is unknown" in found[2][2]


def unmarked(text: str) -> str:
    return re.sub("</?mark>", "", text)


def test_words_in_which_answers_differ_are_marked_and_nothing_is_lost() -> None:
    left, right = marked_answers("The answer is 42 <b>today</b>.", "The answer is 43 <b>today</b>.")
    assert left == "The answer is <mark>42</mark> &lt;b&gt;today&lt;/b&gt;."
    assert unmarked(right) == "The answer is 43 &lt;b&gt;today&lt;/b&gt;."


@pytest.mark.parametrize(("left", "right"), [("yes", "no"), ("", "no"), ("x " * 2 * MAX_DIFF_WORDS, "x y")])
def test_answers_without_a_common_word_and_long_ones_are_not_marked(left: str, right: str) -> None:
    assert "<mark>" not in "".join(marked_answers(left, right))


def test_equal_answers_have_no_marks() -> None:
    assert marked_answers("a b\nc", "a b\nc") == ("a b\nc", "a b\nc")


def test_without_a_chosen_range_the_page_shows_one_that_holds_pairs(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "quality.py", lane="small")
    assert not app.exception
    assert "Disagree" in html(app) or app.dataframe


def test_a_plan_is_made_from_the_page(opened: Open, seeded: DuckStore, seeded_url: str) -> None:
    app = opened(seeded_url, "quality.py", part="Plan", range="7d")
    assert "Pairs a week" in html(app)
    app.select_slider(key="rate").set_value(0.1)
    app.text_input(key="plan_author").set_value("ana")
    next(each for each in app.button if each.label == "Make this plan").click().run()
    assert not app.exception
    assert LocalClient(seeded).run(SamplingPlanQuery()).facts["rate"] == 0.1
    assert "is in force" in app.success[0].value
