"""Spans as bars: each once, under its parent, whatever a client sent."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from controlsurface.charts import DARK
from controlsurface.ui.requests.waterfall import arrange_spans, attribute_lines, waterfall_html

Span = dict[str, Any]


def span(name: str, parent: str = "", start: int = 0, end: int = 10, **more: Any) -> Span:
    times = {"startTimeUnixNano": str(start), "endTimeUnixNano": str(end)}
    return {"spanId": name, "parentSpanId": parent, "name": name, **times, **more}


def test_child_spans_follow_their_parent_in_order_of_time() -> None:
    bars = list(arrange_spans([span("c", "a", 5), span("b", "a", 1), span("a"), span("d", "b", 2)]))
    assert [(bar.name, bar.level) for bar in bars] == [("a", 0), ("b", 1), ("d", 2), ("c", 1)]


IDS = st.sampled_from("abcdefgh")


@given(st.dictionaries(IDS, IDS, max_size=8))
def test_every_span_is_drawn_once_even_in_circles(parents: dict[str, str]) -> None:
    bars = list(arrange_spans([span(name, parent) for name, parent in parents.items()]))
    assert sorted(bar.span_id for bar in bars) == sorted(parents)


def test_a_trace_thousands_deep_is_arranged() -> None:
    chain = [span(str(i), str(i - 1)) for i in range(5000)]
    assert list(arrange_spans(chain))[-1].level == 4999


def test_names_and_attributes_cannot_become_markup() -> None:
    nasty = '"><script>alert(1)</script>'
    attributes = [{"key": nasty, "value": {"stringValue": nasty}}]
    picture = waterfall_html(list(arrange_spans([span("a") | {"name": nasty, "attributes": attributes}])), {}, DARK)
    assert "<script>" not in picture
    assert '""' not in picture


def test_a_failed_span_is_red() -> None:
    picture = waterfall_html(list(arrange_spans([span("a", status={"code": 2})])), {}, DARK)
    assert DARK.bad in picture


def test_an_attempt_has_the_color_of_its_lane() -> None:
    assert DARK.lanes["large"] in waterfall_html(list(arrange_spans([span("a")])), {"a": "large"}, DARK)


def test_a_clock_that_runs_backwards_makes_no_negative_bar() -> None:
    (bar,) = arrange_spans([span("a", start=10, end=4)])
    assert bar.end == bar.start


def test_attributes_without_a_value_are_shown_empty() -> None:
    assert attribute_lines([{"key": "a"}, {"key": "b", "value": {}}, {}]) == "a = \nb = \n = "
