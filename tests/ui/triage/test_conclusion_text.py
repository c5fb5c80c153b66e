"""The conclusion says what the evidence allows, and what to do follows from it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from controlsurface.client.queries.contributor_result import ContributorResult
from controlsurface.metrics.catalog import CATALOG
from controlsurface.ui.triage.conclusion_text import Comparison, change_sentence, evidence_notes, headline, slice_words
from controlsurface.ui.triage.nearby_change import NearbyChange, course_step, nearby_change
from controlsurface.ui.triage.next_steps import next_steps

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROLLOUT = NearbyChange(NOW - 5 * HOUR, "deploy", "2026.41 first seen", stepped=True)


def cause(
    *values: str | None, dimension: str = "tenant", share: float = 0.9, within: str | None = None
) -> dict[str, Any]:
    about = {"dimension": dimension, "values": [*values], "share": share, "within": within}
    figures = {"low": share - 0.1, "high": share + 0.1, "excess": 90.0, "row_share": 0.4, "n": 120, "n_before": 130}
    return about | figures | {"before": 0.09, "after": 0.8}


def compared(
    *leading: dict[str, Any],
    metric: str = "escalation_rate",
    change: NearbyChange | None = None,
    **facts: Any,
) -> Comparison:
    told: dict[str, Any] = {
        "before": 0.086,
        "after": 0.465,
        "delta": 0.379,
        "n": 300,
        "n_before": 400,
        "unit": CATALOG[metric].unit,
    }
    told |= {"change_z": 9.0, "compared": None, "least_share": 0.0, "leading": [*leading], "excess": 100.0}
    found = ContributorResult(pa.table({}), told | facts)
    return Comparison(
        CATALOG[metric], "extraction", (NOW - 6 * HOUR, NOW), found, change, change is not None and change.stepped
    )


def words(about: Comparison, **more: Any) -> str:
    return " ".join(each.words for each in next_steps(about, **more))


def test_a_headline_names_figures_change_and_the_values_that_explain_it() -> None:
    assert headline(compared(cause("birch-retail", "delta-logistics"), change=ROLLOUT)) == (
        "extraction: escalation rate 8.6 % → 46.5 % since 2026.41 (Nov 20 07:00); "
        "tenants birch-retail and delta-logistics explain 90 % of it."
    )


def test_what_explains_more_than_all_is_said_to_explain_all_and_why_that_can_be() -> None:
    about = compared(cause("a", share=1.2))
    assert headline(about).endswith("; tenant a explains all of it (120 %).")
    assert "More than 100 %: the rest moved the other way." in evidence_notes(about)
    assert not any("More than" in each for each in evidence_notes(compared(cause("a", share=1.004))))


def test_a_headline_without_a_change_names_the_window() -> None:
    assert "from Nov 20 06:00 to 12:00; tenant a explains 90 % of it." in headline(compared(cause("a")))


def test_a_cause_without_a_name_is_said_in_words_that_say_what_it_means() -> None:
    about = compared(cause(None, share=0.7))
    assert "requests without a known tenant explain 70 % of it" in headline(about)
    assert "is not stated on these requests" in " ".join(evidence_notes(about))
    assert "Find out who sends requests without tenant" in words(about)


@pytest.mark.parametrize("n", [(12, 400), (400, 12), (0, 0)])
def test_few_requests_are_no_conclusion(n: tuple[int, int]) -> None:
    about = compared(cause("a"), n=n[0], n_before=n[1])
    assert "too few requests to compare" in headline(about)
    assert "explain" not in headline(about)
    assert [each.link for each in next_steps(about)] == ["Last 7 days"]


def test_a_change_within_chance_names_nobody() -> None:
    about = compared(cause("a"), change_z=1.2)
    assert "no change beyond chance, 8.6 % → 46.5 %" in headline(about)
    assert "Nothing to act on" in words(about)


def test_values_that_moved_alike_lead_to_what_all_requests_share() -> None:
    about = compared()
    assert "all values moved alike" in headline(about)
    assert "the model and its provider" in words(about)
    assert "classifier's input" in words(about)


def test_values_that_moved_alike_since_a_rollout_lead_to_the_rollout_alone() -> None:
    assert words(compared(change=ROLLOUT)) == (
        "It began with 2026.41: roll it back, or compare it with the version before."
    )


@pytest.mark.parametrize(
    ("kind", "said"),
    [("model", "route back to the one before"), ("price", "check the price list"), ("config", "undo that change")],
)
def test_what_to_undo_is_of_the_kind_of_the_change(kind: str, said: str) -> None:
    assert said in words(compared(change=NearbyChange(NOW, kind, "gpt-6 first seen", stepped=True)))


@pytest.mark.parametrize(
    ("dimension", "page", "said"),
    [
        ("tenant", "traces", "look at what they send"),
        ("answered_by", "latency", "check the provider"),
        ("router_version", "compare", "roll it back"),
        ("task_type", "what_if", "check its threshold"),
        ("error_type", "traces", "It lies in error type a"),
    ],
)
def test_the_next_step_goes_where_the_change_is_concentrated(dimension: str, page: str, said: str) -> None:
    (step,) = next_steps(compared(cause("a", dimension=dimension)))
    assert said in step.words
    assert step.page == page


def test_a_change_for_the_better_is_not_undone() -> None:
    about = compared(cause("a"), change=ROLLOUT, delta=-0.1)
    assert "nothing to undo" in words(about)
    assert "roll" not in words(about)
    assert next_steps(about, "R", drift=True)[0].parameters == {"accept": "R"}


def test_two_causes_are_named_and_said_to_overlap() -> None:
    said = " ".join(evidence_notes(compared(cause("a", share=0.6), cause("w", dimension="job", share=0.4))))
    assert "Beside it, job w explains 40 % of it" in said
    assert "overlap and do not add up" in said


def test_a_change_that_the_metric_did_not_step_at_is_only_nearby() -> None:
    about = compared(change=NearbyChange(NOW, "deploy", "2026.41 first seen", stepped=False))
    assert "lies nearby; the metric did not step there" in change_sentence(about)
    assert "since 2026.41" not in headline(about)
    assert "No deployment" in change_sentence(compared())


def test_filters_are_a_subject_in_words() -> None:
    assert slice_words(["task_type:extraction", "task_type:chat"]) == "extraction or chat"
    assert slice_words(["lane:large", "tenant:"]) == "lane large, tenant unknown"


def course(before: float, after: float, at: int, noise: float = 0.02) -> list[tuple[datetime, float, float]]:
    return [(NOW + hour * HOUR, (after if hour >= at else before) + noise * (hour % 2), 50.0) for hour in range(24)]


def test_the_step_of_a_course_is_where_both_sides_differ_most() -> None:
    assert course_step(course(0.1, 0.4, 7)) == NOW + 7 * HOUR
    assert course_step(course(0.1, 0.1, 7)) is None
    assert course_step(course(0.1, 0.4, 7)[:3]) is None


def test_the_change_at_the_step_is_taken_before_one_nearer_to_the_selection() -> None:
    events = [
        {"at": NOW + 7.2 * HOUR, "kind": "deploy", "title": "2026.41 first seen"},
        {"at": NOW + 7.1 * HOUR, "kind": "deploy", "title": "2026.40 last seen"},
        {"at": NOW + 12 * HOUR, "kind": "price", "title": "gpt-5 is cheaper"},
    ]
    found = nearby_change(events, course(0.1, 0.4, 7), NOW + 12 * HOUR, HOUR)
    assert found is not None
    assert (found.name, found.stepped) == ("2026.41", True)
    calm = nearby_change(events, course(0.1, 0.1, 7), NOW + 12 * HOUR, HOUR)
    assert calm is not None
    assert (calm.title, calm.stepped) == ("gpt-5 is cheaper", False)
