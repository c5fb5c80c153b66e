"""The simulated traffic: what it holds, and that the same settings always give it again."""

import tomllib
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlsurface.demo.demo_company import SELF_HOSTED, DemoSettings
from controlsurface.demo.demo_texts import ANSWER_KEY, PROMPT_KEY
from controlsurface.demo.request_spans import SimulatedRequest
from controlsurface.demo.router_simulation import simulate_requests
from controlsurface.errors import BadRequest, UnknownName
from controlsurface.money.price_book import PriceBook
from controlsurface.money.price_table import resolve_prices
from controlsurface.shipped_paths import COLLECTORS
from tests.demo.demo_traffic import HOUR, NOW, WEEK, Test, calls, escalated, share, task, traffic

pytestmark = pytest.mark.xdist_group("traffic")
FAST = DemoSettings(rate=0.05)
OPENTELEMETRY = {
    "error.type",
    "session.id",
    "user.id",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.response.finish_reasons",
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.reasoning.output_tokens",
}


def test_a_seed_determines_the_simulated_requests() -> None:
    first, again, other = (list(simulate_requests(DemoSettings(seed), NOW - HOUR, NOW)) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.no_cover
@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 6 * 3600), max_size=4))
def test_a_window_cut_anywhere_holds_the_same_requests(cuts: list[int]) -> None:
    edges = [NOW + timedelta(seconds=second) for second in sorted({0, 6 * 3600, *cuts})]
    pieces = [request for start, end in pairwise(edges) for request in simulate_requests(FAST, start, end)]
    assert pieces == list(simulate_requests(FAST, edges[0], edges[-1]))


def test_every_span_and_trace_has_an_id_of_its_own() -> None:
    requests = traffic("steady")
    spans = [request.span_id for request in requests] + [call.span_id for r in requests for call in r.calls]
    assert len(set(spans)) == len(spans)
    assert len({request.trace_id for request in requests}) == len(requests)


def test_calls_follow_one_another_within_their_request_and_shadows_after_it() -> None:
    for request in traffic("steady"):
        times = [at for call in request.calls for at in (call.start_ns, call.end_ns)]
        assert sorted(times) == times
        assert all(request.start_ns <= at for at in times)
        shadow = [call.attributes.get("controlsurface.purpose") == "shadow" for call in request.calls]
        assert [call.start_ns > request.end_ns for call in request.calls] == shadow


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("classification", 0.03, 0.08),
        ("extraction", 0.07, 0.14),
        ("rag_answer", 0.14, 0.22),
        ("summarise", 0.06, 0.12),
        ("chat", 0.06, 0.11),
        ("code", 0.34, 0.46),
        ("sql", 0.22, 0.34),
        ("contract_review", 0.67, 0.81),
    ],
)
def test_each_task_type_escalates_as_its_difficulty_says(name: str, low: float, high: float) -> None:
    assert low < share((r for r in traffic("steady") if task(r) == name), escalated) < high


@pytest.mark.parametrize(
    ("what", "low", "high", "test"),
    [
        ("escalated", 0.14, 0.18, escalated),
        ("cached", 0.06, 0.08, lambda r: "controlsurface.cache.hit" in r.attributes),
        ("batch", 0.14, 0.18, lambda r: r.attributes["controlsurface.mode"] == "batch"),
        ("fallback", 0.004, 0.011, lambda r: r.attributes.get("controlsurface.escalation.reason") == "error"),
        ("gated", 0.035, 0.055, lambda r: r.attributes.get("controlsurface.escalation.reason") == "quality_gate"),
        ("failed", 0.0, 0.001, lambda r: bool(r.error)),
        ("classified", 0.24, 0.31, lambda r: bool(calls([r], "classifier"))),
        ("judged", 0.02, 0.06, lambda r: bool(calls([r], "judge"))),
        ("shadowed", 0.03, 0.05, lambda r: bool(calls([r], "shadow"))),
    ],
)
def test_steady_traffic_has_its_usual_shares(what: str, low: float, high: float, test: Test) -> None:
    assert low < share(traffic("steady"), test) < high, what


def test_a_shadow_names_its_request_its_probability_and_an_answer_to_compare() -> None:
    for request in traffic("steady"):
        for shadow in calls([request], "shadow"):
            answer = calls([request])[-1].attributes
            assert shadow.attributes["controlsurface.shadow.of"] == f"{request.trace_id:032x}-{request.span_id:016x}"
            assert shadow.attributes["controlsurface.sampling.probability"] in {0.02, 0.04, 0.08}
            assert {shadow.attributes["controlsurface.lane"], answer["controlsurface.lane"]} == {"small", "large"}
            assert answer["controlsurface.answer.label"]


def test_lanes_disagree_more_where_the_work_is_harder() -> None:
    def differ(request: SimulatedRequest) -> bool:
        last = [*calls([request])[-1:], *calls([request], "shadow")]
        return len({call.attributes["controlsurface.answer.label"] for call in last}) > 1

    shadowed = [request for request in traffic("steady") if calls([request], "shadow")]
    hard = {"code", "sql", "contract_review"}
    easy = share((r for r in shadowed if task(r) == "classification"), differ)
    assert easy + 0.1 < share((r for r in shadowed if task(r) in hard), differ)


def test_simulated_traffic_is_quiet_at_night_and_on_weekends() -> None:
    starts = [datetime.fromtimestamp(request.start_ns / 1e9, UTC) for request in traffic("steady")]
    hours, days = Counter(at.hour for at in starts), Counter(at.weekday() for at in starts)
    assert hours[14] > 3 * hours[2]
    assert days[1] > 1.5 * days[6]


def test_the_default_rate_makes_a_history_of_about_forty_thousand_requests_in_four_weeks() -> None:
    week = len(list(simulate_requests(DemoSettings(), NOW - WEEK, NOW)))
    assert week == pytest.approx(10_080, rel=0.04)


def test_a_constant_rate_is_kept_at_night() -> None:
    night = NOW.replace(hour=3)
    requests = list(simulate_requests(DemoSettings(rate=20, rhythm=False), night, night + timedelta(minutes=2)))
    assert len(requests) == pytest.approx(2400, rel=0.1)


def test_simulated_spans_use_only_documented_attributes() -> None:
    columns = tomllib.loads((COLLECTORS / "controlsurface.toml").read_text())["columns"]
    sources = [source for column in columns.values() for source in column]
    documented = {each if isinstance(each, str) else each.get("key") for each in sources} | OPENTELEMETRY
    requests = traffic("incident", timedelta(hours=6))
    used = {name for request in requests for name in request.attributes}
    used |= {name for request in requests for call in request.calls for name in call.attributes}
    assert used - {PROMPT_KEY, ANSWER_KEY} <= documented


def test_every_model_but_the_one_on_own_hardware_has_a_list_price() -> None:
    used = calls(traffic("steady"))
    pairs = Counter(
        (str(c.attributes["gen_ai.provider.name"]), str(c.attributes["gen_ai.request.model"])) for c in used
    )
    unpriced = {pair for pair in pairs if not resolve_prices([pair], PriceBook()).num_rows}
    assert unpriced == {(SELF_HOSTED.provider, SELF_HOSTED.name)}
    assert 0.9 < 1 - pairs[SELF_HOSTED.provider, SELF_HOSTED.name] / pairs.total() < 0.97


@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"scenario": "incidnt"}, UnknownName), ({"rate": 0.0}, BadRequest), ({"rate": float("nan")}, BadRequest)],
)
def test_impossible_demo_settings_are_refused(wrong: dict[str, str | float], error: type[Exception]) -> None:
    with pytest.raises(error, match=r"did you mean 'incident'|above 0"):
        DemoSettings(**wrong)  # type: ignore[arg-type]
